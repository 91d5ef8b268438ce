"""Frames, packets and sound that were received and wait for the program."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from twistedcam.clients.frames.pictures import MAX_BYTES, MAX_PACKETS, VideoPacket
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet

#: A frame of a camera: a JPEG, or a packet of H.264 or H.265.
AnyFrame = Frame | VideoPacket

#: Seconds that a packet may wait. A program that is slower misses packets.
MAX_WAIT = 0.4
#: The most packets of sound that wait: about two seconds. Older ones are dropped.
MAX_SOUNDS = 100


class PacketQueue:
    """Keeps the newest JPEG, or packets in their order.

    If the oldest packet waits longer than ``MAX_WAIT``, the program is too slow. It continues with
    the next key frame; or with the newest packet, if it looks at pictures only. Sound is given in
    the order of arrival with the pictures.

    Arguments:
        clock: returns seconds of a monotonic clock.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: deque[tuple[float, AnyFrame]] = deque()
        self._bytes = 0
        self._sounds: deque[tuple[float, Packet]] = deque(maxlen=MAX_SOUNDS)
        #: True if a packet was dropped to which the next ones refer.
        self._is_broken = False
        #: The last packet that was taken.
        self._last: AnyFrame | None = None

    def __len__(self) -> int:
        return len(self._waiting) + len(self._sounds)

    def put_sound(self, packet: Packet) -> None:
        """Add a packet of sound."""
        self._sounds.append((self._clock(), packet))

    def put(self, frame: AnyFrame) -> None:
        """Add the newest frame or packet."""
        now = self._clock()
        if isinstance(frame, Frame) or (frame.is_keyframe and self._is_late(now)):
            self.clear()
        if len(self._waiting) >= MAX_PACKETS or self._bytes >= MAX_BYTES:
            self.clear()
            self._is_broken = True
        if frame.is_keyframe:
            self._is_broken = False
        if not self._is_broken:
            self._waiting.append((now, frame))
            self._bytes += len(frame.data)

    def take(self) -> AnyFrame | Packet | None:
        """Remove and return the next frame or packet; None if there is none."""
        if self._sounds and (not self._waiting or self._sounds[0][0] <= self._waiting[0][0]):
            return self._sounds.popleft()[1]
        if not self._waiting:
            return None
        if len(self._waiting) > 1 and self._is_late(self._clock()) and self._looks_only():
            newest = self._waiting.pop()
            self.clear()
            self._waiting.append(newest)
            self._bytes = len(newest[1].data)
        _, self._last = self._waiting.popleft()
        self._bytes -= len(self._last.data)
        return self._last

    def clear(self) -> None:
        """Drop all pictures that wait."""
        self._waiting.clear()
        self._bytes = 0

    def _is_late(self, now: float) -> bool:
        return bool(self._waiting) and now - self._waiting[0][0] > MAX_WAIT

    def _looks_only(self) -> bool:
        """True if the program has decoded the picture of the last packet."""
        return isinstance(self._last, VideoPacket) and self._last.is_decoded
