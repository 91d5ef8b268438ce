"""The last seconds before the button, in memory."""

from __future__ import annotations

from collections import deque

from twistedcam.media.packet import TimedFrame


class PreRoll:
    """The newest frames: so many seconds of them, and no more than so many bytes.

    Arguments:
        seconds: how far back it goes.
        most_bytes: what the frames may take at most; then it goes back less far.
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
        """A new frame."""
        self._frames.append(frame)
        self.bytes += len(frame.jpeg)
        oldest = frame.time - int(self.seconds * 1e6)
        while self._frames[0].time < oldest or self.bytes > self._most_bytes:
            self.bytes -= len(self._frames.popleft().jpeg)
            if not self._frames:
                return

    @property
    def span(self) -> float:
        """Seconds from its oldest frame to its newest."""
        if not self._frames:
            return 0.0
        return (self._frames[-1].time - self._frames[0].time) / 1e6

    def last(self, seconds: float, until: int) -> list[TimedFrame]:
        """The frames of the last seconds, oldest first.

        Arguments:
            until: now, on the frames' timeline.
        """
        oldest = until - int(seconds * 1e6)
        return [frame for frame in self._frames if frame.time >= oldest]
