"""What waits for the recorder's thread: bounded, and thinned evenly when it is too much."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from twistedcam.media.packet import TimedFrame

#: Frames and bytes that may wait.
FRAMES = 240
BYTES = 128 * 2**20
#: How full it may be before frames are left out. Below it a disk that stalls costs nothing.
_EASY = 0.5
#: Seconds of work that may wait where the writer is slow for good: so long may an end take.
WORK = 5.0
#: So few frames may always wait.
_LEAST = 4
#: Writes that are looked at to tell a slow writer from a stall: it is as quick as the quickest.
_LOOKS = 8
#: Frames that are written at once, and seconds that this may take.
_BATCH, _BATCH_TIME = 8, 0.1


class WriteQueue:
    """Frames in their order.

    Up to half full it takes all. Beyond it takes a share that becomes smaller as it fills, and
    takes it evenly: where the writer does half the camera's rate, every second frame is left out.

    What it has room for is as much as the writer can do in a few seconds, as far as its speed is
    known. One that turns out to be slow has what waits thinned.

    Arguments:
        first: frames from before the beginning; all of them are taken, and take no room.
    """

    def __init__(self, first: Iterable[TimedFrame] = ()) -> None:
        self._first: deque[TimedFrame] = deque(first)
        self._waiting: deque[TimedFrame] = deque()
        self._bytes = 0
        self._credit = 0.0
        #: Seconds that a frame took, in the last few writes.
        self._costs: deque[float] = deque(maxlen=_LOOKS)
        #: Frames that were left out.
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._first) + len(self._waiting)

    def offer(self, frame: TimedFrame) -> bool:
        """One more frame; False if it is left out."""
        self._credit = min(2.0, self._credit + self._share())
        if self._credit < 1:
            self.dropped += 1
            return False
        self._credit -= 1
        self._waiting.append(frame)
        self._bytes += len(frame.jpeg)
        return True

    @property
    def batch(self) -> int:
        """How many frames are best written at once."""
        if len(self._costs) < _LOOKS:
            return 1
        return max(1, min(_BATCH, int(_BATCH_TIME / max(min(self._costs), 1e-6))))

    def wrote(self, frames: int, seconds: float) -> list[TimedFrame]:
        """Frames were written in that time; those that are left out because it takes too long."""
        self._costs.append(seconds / frames)
        if len(self._waiting) <= self._room() or self._waiting[0].packet is not None:
            return []  # H.264 refers to the frames before: none can be left out afterwards
        self._waiting, out = _thinned(self._waiting, self._room() - 1)
        self._bytes -= sum(len(frame.jpeg) for frame in out)
        self.dropped += len(out)
        return out

    def drain_quickly(self) -> None:
        """The end is waited for: what came before the beginning is thinned too if it has to be."""
        if len(self._first) > self._room():
            self._first, out = _thinned(self._first, self._room())
            self.dropped += len(out)

    def take(self, most: int) -> list[TimedFrame]:
        """The oldest frames, no longer waiting."""
        if self._first:
            return [self._first.popleft() for _ in range(min(most, len(self._first)))]
        taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        self._bytes -= sum(len(frame.jpeg) for frame in taken)
        return taken

    def clear(self) -> None:
        """Nothing will be written any more: what waits is lost, and counted."""
        self.dropped += len(self)
        self._first.clear()
        self._waiting.clear()
        self._bytes = 0

    def _share(self) -> float:
        """The share of frames that is taken in now: 1 up to half full, 0 when full."""
        full = max(len(self._waiting) / self._room(), self._bytes / BYTES)
        return max(0.0, min(1.0, (1 - full) / (1 - _EASY)))

    def _room(self) -> int:
        """Frames that may wait."""
        if len(self._costs) < _LOOKS:
            return FRAMES
        return max(_LEAST, min(FRAMES, int(WORK / max(min(self._costs), 1e-6))))


def _thinned(frames: deque[TimedFrame], left: int) -> tuple[deque[TimedFrame], list[TimedFrame]]:
    """So many of them, evenly; and the others."""
    count = len(frames)
    kept, out = deque[TimedFrame](), []
    for number, frame in enumerate(frames):
        if number * left // count != (number - 1) * left // count:
            kept.append(frame)
        else:
            out.append(frame)
    return kept, out
