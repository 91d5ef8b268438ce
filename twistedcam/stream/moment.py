"""A frame on its way into a recording."""

from __future__ import annotations

from typing import NamedTuple

from twistedcam.media.frame import Frame


class Coded(NamedTuple):
    """A frame as H.264.

    Arguments:
        data: Annex B; a keyframe begins with SPS and PPS.
        pts: its time in steps of coder.CLOCK, on the encoder's timeline.
        is_keyframe: whether a player can begin here.
        generation: another number than the one before has where another stream begins.
    """

    data: bytes
    pts: int
    is_keyframe: bool
    generation: int


class Moment(NamedTuple):
    """What a recording keeps of a frame: no more than its bytes and its times.

    Arguments:
        time: microseconds on the recorder's timeline.
        captured_us: time of capture, microseconds since the UNIX epoch.
        width, height: pixels.
        jpeg: the JPEG file.
        coded: the same as H.264, where it is encoded already.
    """

    time: int
    captured_us: int
    width: int
    height: int
    jpeg: bytes
    coded: Coded | None = None

    @classmethod
    def of(cls, frame: Frame, time: int, coded: Coded | None = None) -> Moment:
        """A frame at that time. What the frame keeps for others (wire messages) is not kept."""
        return cls(time, frame.time_us, frame.width, frame.height, frame.jpeg, coded)
