"""What waits for the recorder's thread: bounded, and thinned evenly when it is too much."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from twistedcam.recording.moment import Moment

#: Frames and bytes that may wait.
FRAMES = 240
BYTES = 128 * 2**20
#: How full it may be before frames are left out. Below it a disk that stalls costs nothing.
_EASY = 0.5


class Backlog:
    """Frames in their order.

    Up to half full it takes all. Beyond it takes a share that becomes smaller as it fills, and
    takes it evenly: where the writer does half the camera's rate, every second frame is left out.

    Arguments:
        first: frames from before the beginning; all of them are taken, and take no room.
    """

    def __init__(self, first: Iterable[Moment] = ()) -> None:
        self._first: deque[Moment] = deque(first)
        self._waiting: deque[Moment] = deque()
        self._bytes = 0
        self._credit = 0.0
        #: Frames that were left out.
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._first) + len(self._waiting)

    def offer(self, moment: Moment) -> bool:
        """One more frame; False if it is left out."""
        self._credit = min(2.0, self._credit + self._share())
        if self._credit < 1:
            self.dropped += 1
            return False
        self._credit -= 1
        self._waiting.append(moment)
        self._bytes += len(moment.jpeg)
        return True

    def take(self, most: int) -> list[Moment]:
        """The oldest frames, no longer waiting."""
        if self._first:
            return [self._first.popleft() for _ in range(min(most, len(self._first)))]
        taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        self._bytes -= sum(len(moment.jpeg) for moment in taken)
        return taken

    def clear(self) -> None:
        """Nothing will be written any more: what waits is lost, and counted."""
        self.dropped += len(self)
        self._first.clear()
        self._waiting.clear()
        self._bytes = 0

    def _share(self) -> float:
        """The share of frames that is taken in now: 1 up to half full, 0 when full."""
        full = max(len(self._waiting) / FRAMES, self._bytes / BYTES)
        return max(0.0, min(1.0, (1 - full) / (1 - _EASY)))
