"""The newest packets of sound, for those whose pictures begin earlier than now."""

from __future__ import annotations

from collections import deque

from twistedcam.media.packet import Packet

#: Microseconds and bytes that are kept at most: groups of pictures are seldom longer. The bytes are
#: those of samples of two channels for 2.7 s.
_MOST_US, _MOST_BYTES = 10_000_000, 512 * 1024


class RecentPackets:
    """Keeps the newest packets of a track."""

    def __init__(self) -> None:
        self._packets: deque[Packet] = deque()
        self._bytes = 0

    def add(self, packet: Packet) -> None:
        """Add a packet, the newest one."""
        packets = self._packets
        if packets and packets[-1].track != packet.track:
            self.clear()
        packets.append(packet)
        self._bytes += len(packet.data)
        while packet.pts - packets[0].pts > _MOST_US or self._bytes > _MOST_BYTES:
            self._bytes -= len(packets.popleft().data)

    def since(self, time: int) -> list[Packet]:
        """Return the packets from a microsecond of the stream's timeline on."""
        return [each for each in self._packets if each.pts >= time]

    def clear(self) -> None:
        """Forget all packets."""
        self._packets.clear()
        self._bytes = 0
