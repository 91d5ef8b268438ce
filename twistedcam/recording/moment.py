"""A frame on its way into a recording."""

from __future__ import annotations

from typing import NamedTuple

from twistedcam.frame import Frame


class Moment(NamedTuple):
    """What a recording keeps of a frame: no more than its bytes and its times.

    Arguments:
        time: microseconds on the recorder's timeline.
        captured_us: time of capture, microseconds since the UNIX epoch.
        width, height: pixels.
        jpeg: the JPEG file.
    """

    time: int
    captured_us: int
    width: int
    height: int
    jpeg: bytes

    @classmethod
    def of(cls, frame: Frame, time: int) -> Moment:
        """A frame at that time. What the frame keeps for others (wire messages) is not kept."""
        return cls(time, frame.time_us, frame.width, frame.height, frame.jpeg)
