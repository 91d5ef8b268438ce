"""The queue of frames for a recorder's thread, with a limit and an even selection above it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

from twistedcam.media.packet import Packet

P = TypeVar("P", bound=Packet)

#: The maximum number of frames and bytes in the queue.
MAX_FRAMES = 240
MAX_BYTES = 128 * 2**20
#: The maximum number of packets of a camera that encodes: they are small, quickly written, and one
#: that is dropped costs all up to the next key frame.
MAX_PACKETS = 2400
#: The maximum number of packets of sound.
MAX_SOUNDS = 6000
#: The fraction of the maximum above which frames are dropped. A short stall drops none.
_FREE_PART = 0.5
#: Seconds of work in the queue of a slow writer, which are also the longest time that an end takes.
MAX_WORK = 5.0
#: The maximum is never lower than this number of frames.
_MIN_FRAMES = 4
#: The number of last writes, of which the quickest tells a slow writer from a stall.
_MEASURED_WRITES = 8
#: The maximum number of frames that are written at once, of packets of a camera that encodes, and
#: of seconds for that.
_BATCH, _PACKET_BATCH, _BATCH_TIME = 8, 64, 0.1


class WriteQueue(Generic[P]):
    """A queue of frames that drops frames evenly when the writer is too slow.

    Up to half full it takes all frames. Above, it takes a share that becomes smaller as it fills:
    if the writer has half the camera's rate, every second frame is dropped.

    Its maximum is what the writer can write in a few seconds, as far as its speed is known. When
    the writer turns out to be slow, frames in the queue are dropped, too.

    Arguments:
        first: frames from before the start of the recording, which do not count.
    """

    def __init__(self, first: Iterable[P] = ()) -> None:
        self._first: deque[P] = deque(first)
        self._waiting: deque[P] = deque()
        self._bytes = 0
        #: The number of packets of sound in ``_waiting``.
        self._sounds = 0
        self._credit = 0.0
        #: Seconds per frame of the last writes.
        self._costs: deque[float] = deque(maxlen=_MEASURED_WRITES)
        #: The number of dropped frames.
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._first) + len(self._waiting)

    def offer(self, frame: P) -> bool:
        """Add a frame. Return False if it is dropped.

        Sound is added with the pictures, and dropped only if there is no room at all.
        """
        if frame.track.kind == "audio":
            return self._offer_sound(frame)
        if not frame.track.is_independent:
            return self._offer_packet(frame)
        self._credit = min(2.0, self._credit + self._share())
        if self._credit < 1:
            self.dropped += 1
            return False
        self._credit -= 1
        self._waiting.append(frame)
        self._bytes += len(frame.data)
        return True

    def _offer_packet(self, packet: P) -> bool:
        """Add a packet that refers to others, as long as there is any room."""
        if self._pictures >= MAX_PACKETS or self._bytes >= MAX_BYTES:
            self.dropped += 1
            return False
        self._waiting.append(packet)
        self._bytes += len(packet.data)
        return True

    def _offer_sound(self, packet: P) -> bool:
        if self._sounds >= MAX_SOUNDS or self._bytes >= MAX_BYTES:
            return False
        self._waiting.append(packet)
        self._sounds += 1
        self._bytes += len(packet.data)
        return True

    @property
    def _pictures(self) -> int:
        """The number of frames that wait."""
        return len(self._waiting) - self._sounds

    @property
    def span_us(self) -> int:
        """The microseconds from the oldest frame that waits to the newest."""
        return abs(self._waiting[-1].dts - self._waiting[0].dts) if self._waiting else 0

    @property
    def batch(self) -> int:
        """The best number of frames to write at once."""
        is_encoded = bool(self._waiting) and not _can_be_thinned(self._waiting)
        if len(self._costs) < _MEASURED_WRITES:
            return _BATCH if is_encoded and not self._first else 1
        most = _PACKET_BATCH if is_encoded else _BATCH
        return max(1, min(most, int(_BATCH_TIME / max(min(self._costs), 1e-6))))

    def wrote(self, frames: int, seconds: float) -> list[P]:
        """Note that frames were written in that time. Return those that are dropped therefore."""
        self._costs.append(seconds / frames)
        if self._pictures <= self._room() or not _can_be_thinned(self._waiting):
            return []  # a packet of H.264 refers to those before it: none can be dropped now
        self._waiting, out = _thinned(self._waiting, self._room() - 1)
        self._bytes -= sum(len(frame.data) for frame in out)
        self.dropped += len(out)
        return out

    def drain_quickly(self) -> None:
        """Drop frames from before the start, too, so that the end does not take too long.

        Packets that refer to others stay: they are written as they are, which takes no time.
        """
        if len(self._first) > self._room() and _can_be_thinned(self._first):
            self._first, out = _thinned(self._first, self._room())
            self.dropped += len(out)

    def take(self, most: int) -> list[P]:
        """Remove and return the oldest frames, at most so many."""
        if self._first:
            return [self._first.popleft() for _ in range(min(most, len(self._first)))]
        taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        self._bytes -= sum(len(frame.data) for frame in taken)
        if self._sounds:
            self._sounds -= sum(frame.track.kind == "audio" for frame in taken)
        return taken

    def clear(self) -> None:
        """Drop all frames: nothing more is written."""
        self.dropped += sum(each.track.kind == "video" for each in (*self._first, *self._waiting))
        self._first.clear()
        self._waiting.clear()
        self._bytes = self._sounds = 0

    def _share(self) -> float:
        """Return the share of new frames to take: 1 up to half full, 0 when full."""
        full = max(self._pictures / self._room(), self._bytes / MAX_BYTES)
        return max(0.0, min(1.0, (1 - full) / (1 - _FREE_PART)))

    def _room(self) -> int:
        """Return the maximum number of frames."""
        if len(self._costs) < _MEASURED_WRITES:
            return MAX_FRAMES
        return max(_MIN_FRAMES, min(MAX_FRAMES, int(MAX_WORK / max(min(self._costs), 1e-6))))


def _can_be_thinned(frames: Iterable[Packet]) -> bool:
    """True if frames can be dropped without others becoming useless."""
    first = next((each for each in frames if each.track.kind == "video"), None)
    return first is not None and first.track.is_independent


def _thinned(frames: deque[P], left: int) -> tuple[deque[P], list[P]]:
    """Return ``left`` of the frames, selected evenly, with all sound; and the other frames."""
    count = sum(each.track.kind == "video" for each in frames)
    kept, out = deque[P](), []
    number = 0
    for frame in frames:
        if frame.track.kind == "audio":
            kept.append(frame)
            continue
        if number * left // count != (number - 1) * left // count:
            kept.append(frame)
        else:
            out.append(frame)
        number += 1
    return kept, out
