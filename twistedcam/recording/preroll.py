"""Keeps the newest packets of a camera in memory."""

from __future__ import annotations

from collections import deque

from twistedcam.media.packet import Packet

#: Seconds for which sound is kept beyond the pre-roll: without pictures it must not grow.
_SOUND_AHEAD = 10.0


class PreRoll:
    """The newest packets of a camera's video, from a key frame on, and the sound of that time.

    Arguments:
        seconds: time from the oldest packet to the newest at most. A group of pictures stays as a
            whole until all of it is older.
        most_bytes: bytes of the packets at most.
    """

    def __init__(self, seconds: float, most_bytes: int) -> None:
        self.seconds = seconds
        self._most_bytes = most_bytes
        self._packets: deque[Packet] = deque()
        self._sounds: deque[Packet] = deque()
        #: The times of the key frames that are kept, but for the first packet's.
        self._next_keyframes: deque[int] = deque()
        #: Bytes of the packets that are kept.
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._packets)

    def add(self, packet: Packet) -> None:
        """Add a packet, and drop those that are too old or too many."""
        if packet.track.kind == "audio":
            self._add_sound(packet)
            return
        if not self._packets:
            if not packet.is_keyframe:
                return
        elif packet.is_keyframe:
            self._next_keyframes.append(packet.dts)
        self._packets.append(packet)
        self.bytes += len(packet.data)
        oldest = packet.dts - int(self.seconds * 1e6)
        while self._next_keyframes and (
            self._next_keyframes[0] <= oldest or self.bytes > self._most_bytes
        ):
            self._drop_group()
        if self.bytes > self._most_bytes:
            self.clear()  # a single group that is too large

    def _add_sound(self, packet: Packet) -> None:
        """Add a packet of sound; pictures that come later may be of its time."""
        self._sounds.append(packet)
        self.bytes += len(packet.data)
        self._drop_sound(packet.pts - int((self.seconds + _SOUND_AHEAD) * 1e6))

    def _drop_sound(self, until: int) -> None:
        """Drop the sound before a time."""
        while self._sounds and self._sounds[0].pts < until:
            self.bytes -= len(self._sounds.popleft().data)

    def clear(self) -> None:
        """Drop all packets."""
        self._packets.clear()
        self._sounds.clear()
        self._next_keyframes.clear()
        self.bytes = 0

    @property
    def span(self) -> float:
        """Seconds from the oldest packet to the newest."""
        if not self._packets:
            return 0.0
        return (self._packets[-1].dts - self._packets[0].dts) / 1e6

    def last(self, seconds: float, until: int) -> list[Packet]:
        """The packets of the last seconds, oldest first, from the key frame before on.

        Sound comes behind the pictures of its time.

        Arguments:
            until: the current time on the packets' timeline.
        """
        oldest = until - int(seconds * 1e6)
        first = 0
        for number, packet in enumerate(self._packets):
            if packet.dts > oldest:
                break
            if packet.is_keyframe:
                first = number
        else:
            if self._packets and self._packets[-1].dts < oldest:
                return []
        pictures = list(self._packets)[first:]
        if not pictures or not self._sounds:
            return pictures
        sounds = [each for each in self._sounds if each.pts >= pictures[0].dts]
        return sorted([*pictures, *sounds], key=lambda each: each.dts)

    def _drop_group(self) -> None:
        keyframe = self._next_keyframes.popleft()
        while self._packets[0].dts < keyframe:
            self.bytes -= len(self._packets.popleft().data)
        self._drop_sound(keyframe)
