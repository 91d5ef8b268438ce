"""The last seconds before the button, in memory."""

from __future__ import annotations

from collections import deque

from twistedcam.stream.moment import Moment


class Ring:
    """The newest frames: so many seconds of them, and no more than so many bytes.

    Arguments:
        seconds: how far back it goes.
        most_bytes: what the frames may take at most; then it goes back less far.
    """

    def __init__(self, seconds: float, most_bytes: int) -> None:
        self.seconds = seconds
        self._most_bytes = most_bytes
        self._moments: deque[Moment] = deque()
        #: Bytes of the frames that are kept.
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._moments)

    def add(self, moment: Moment) -> None:
        """A new frame."""
        self._moments.append(moment)
        self.bytes += len(moment.jpeg)
        oldest = moment.time - int(self.seconds * 1e6)
        while self._moments[0].time < oldest or self.bytes > self._most_bytes:
            self.bytes -= len(self._moments.popleft().jpeg)
            if not self._moments:
                return

    @property
    def span(self) -> float:
        """Seconds from its oldest frame to its newest."""
        if not self._moments:
            return 0.0
        return (self._moments[-1].time - self._moments[0].time) / 1e6

    def last(self, seconds: float, until: int) -> list[Moment]:
        """The frames of the last seconds, oldest first.

        Arguments:
            until: now, on the frames' timeline.
        """
        oldest = until - int(seconds * 1e6)
        return [moment for moment in self._moments if moment.time >= oldest]
