"""Keeps the newest frames in memory."""

from __future__ import annotations

from collections import deque

from twistedcam.media.timed_frame import TimedFrame


class PreRoll:
    """The newest frames of a camera.

    Arguments:
        seconds: time from the oldest frame to the newest at most.
        most_bytes: bytes of the frames at most.
    """

    def __init__(self, seconds: float, most_bytes: int) -> None:
        self.seconds = seconds
        self._most_bytes = most_bytes
        self._frames: deque[TimedFrame] = deque()
        #: Bytes of the frames that are kept.
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frame: TimedFrame) -> None:
        """Add a frame, and drop those that are too old or too many."""
        self._frames.append(frame)
        self.bytes += len(frame.jpeg)
        oldest = frame.time - int(self.seconds * 1e6)
        while self._frames[0].time < oldest or self.bytes > self._most_bytes:
            self.bytes -= len(self._frames.popleft().jpeg)
            if not self._frames:
                return

    @property
    def span(self) -> float:
        """Seconds from the oldest frame to the newest."""
        if not self._frames:
            return 0.0
        return (self._frames[-1].time - self._frames[0].time) / 1e6

    def last(self, seconds: float, until: int) -> list[TimedFrame]:
        """The frames of the last seconds, oldest first.

        Arguments:
            until: the current time on the frames' timeline.
        """
        oldest = until - int(seconds * 1e6)
        return [frame for frame in self._frames if frame.time >= oldest]
