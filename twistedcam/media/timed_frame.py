"""Encoded pictures, and frames on their way into a recording."""

from __future__ import annotations

from typing import NamedTuple

from twistedcam.media.frame import Frame


class H264Packet(NamedTuple):
    """An encoded picture.

    Arguments:
        data: H.264 in Annex B; a key frame begins with its SPS and PPS.
        pts: presentation time, in steps of the encoder's or the stream's clock.
        is_keyframe: True if a player can begin here.
        generation: differs from the packet before where a new stream begins.
    """

    data: bytes
    pts: int
    is_keyframe: bool
    generation: int = 0


class TimedFrame(NamedTuple):
    """A frame with its time in a recording; without the forms that the frame keeps for others.

    Arguments:
        time: microseconds on the recorder's timeline.
        captured_us: time of capture, microseconds since the UNIX epoch.
        width, height: pixels.
        jpeg: the JPEG file.
        packet: the same picture as H.264, if it is encoded already.
    """

    time: int
    captured_us: int
    width: int
    height: int
    jpeg: bytes
    packet: H264Packet | None = None

    @classmethod
    def of(cls, frame: Frame, time: int, packet: H264Packet | None = None) -> TimedFrame:
        """The frame at that time."""
        return cls(time, frame.time_us, frame.width, frame.height, frame.jpeg, packet)
