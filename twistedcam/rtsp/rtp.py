"""RTP packets (RFC 3550, section 5): their headers, order and losses."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

HEADER = struct.Struct("!BBHII")
#: A jump of so many sequence numbers is a new beginning of the sender, not a loss.
_MAX_JUMP = 3000


class RtpPacket(NamedTuple):
    """An RTP packet.

    Arguments:
        payload_type: 0 to 127; the session description says what it is.
        marker: True for the last packet of a picture.
        sequence: 16 bits.
        timestamp: 32 bits, in units of the format's clock.
        ssrc: the sender's number.
        payload: without padding.
    """

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes

    def encode(self) -> bytes:
        """Return the bytes of the packet."""
        head = HEADER.pack(
            0x80,
            self.marker << 7 | self.payload_type,
            self.sequence & 0xFFFF,
            self.timestamp & 0xFFFFFFFF,
            self.ssrc,
        )
        return head + self.payload


def parse_rtp(data: bytes, start: int = 0, end: int | None = None) -> RtpPacket:
    """Return the packet in ``data[start:end]``.

    Raises:
        ValueError: it is not RTP, or cut.
    """
    if end is None:
        end = len(data)
    if end - start < 12:
        raise ValueError("an RTP packet is cut")
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data, start)
    at = start + 12
    if first != 0x80:  # it has another version, padding, an extension or contributing sources
        if first >> 6 != 2:
            raise ValueError("it is not RTP")
        at += 4 * (first & 0x0F)
        if first & 0x10:
            if at + 4 > end:
                raise ValueError("an RTP packet is cut")
            at += 4 + 4 * (data[at + 2] << 8 | data[at + 3])
        if first & 0x20 and end > at:
            end -= data[end - 1]
        if at > end:
            raise ValueError("an RTP packet is cut")
    return RtpPacket(second & 0x7F, second > 0x7F, sequence, timestamp, ssrc, data[at:end])


class Unwrapper:
    """Continues a number that begins again at 0 after its highest value.

    Arguments:
        bits: of the number: 16 for sequence numbers, 32 for timestamps.
    """

    __slots__ = ("_half", "_last", "_size")

    def __init__(self, bits: int) -> None:
        self._size = 1 << bits
        self._half = self._size >> 1
        self._last: int | None = None

    def unwrap(self, number: int) -> int:
        """Return the number nearest to the last one that is equal to it modulo 2**bits."""
        last = self._last
        if last is None:
            self._last = number
            return number
        step = (number - last) % self._size
        if step >= self._half:
            step -= self._size
        self._last = last + step
        return self._last


class Reception:
    """Counts how one sender's packets arrive, for receiver reports (RFC 3550, appendix A).

    Arguments:
        clock_rate: units of the timestamp in a second.
    """

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._base = 0
        self._prior_expected = 0
        self._prior_received = 0
        self._transit: float | None = None
        #: The number of packets that have arrived.
        self.received = 0
        #: The highest sequence number, unwrapped; None before the first packet.
        self.highest: int | None = None
        #: The mean deviation of the arrival, in units of the timestamp.
        self.jitter = 0.0

    @property
    def expected(self) -> int:
        """The number of packets that were sent since the first one that arrived."""
        return 0 if self.highest is None else self.highest - self._base + 1

    @property
    def lost(self) -> int:
        """The number of packets that did not arrive; negative if some arrived twice."""
        return self.expected - self.received

    def note(self, sequence: int) -> int:
        """Count a packet; return the number of packets that are missing right before it.

        Arguments:
            sequence: its number, 16 bits.

        Returns -1 for a packet that is late or arrived twice.
        """
        highest = self.highest
        self.received += 1
        if highest is None:
            self._base = self.highest = sequence
            return 0
        step = (sequence - highest) & 0xFFFF
        if step == 1:
            self.highest = highest + 1
            return 0
        if 0 < step < _MAX_JUMP:
            self.highest = highest + step
            return step - 1
        if step > 0x10000 - 100 or step == 0:
            return -1
        # The sender has begun again: what is counted so far is forgotten.
        self._base = self.highest = sequence
        self.received, self._prior_expected, self._prior_received = 1, 0, 0
        return 1

    def note_following(self, count: int) -> None:
        """Count packets whose numbers follow those of the one before, and each other."""
        assert self.highest is not None
        self.received += count
        self.highest += count

    def note_arrival(self, timestamp: int, seconds: float) -> None:
        """Note when the packet of a timestamp arrived, in seconds of a monotonic clock."""
        transit = seconds * self._clock_rate - timestamp
        if self._transit is not None:
            change = abs(transit - self._transit)
            # A change of hours is a new beginning of the timestamps.
            if change < self._clock_rate * 60:
                self.jitter += (change - self.jitter) / 16
        self._transit = transit

    def fraction_lost(self) -> int:
        """Return the share of lost packets since the last call, in 256ths."""
        expected = self.expected - self._prior_expected
        received = self.received - self._prior_received
        self._prior_expected, self._prior_received = self.expected, self.received
        lost = expected - received
        return 0 if expected <= 0 or lost <= 0 else min(255, (lost << 8) // expected)


class ReorderBuffer:
    """Puts packets of UDP into their order, and waits a little for those that are missing.

    Arguments:
        most_packets: that wait for a missing one. A key frame comes in one burst: more than a
            hundred packets may overtake another.
        most_seconds: that a packet waits for one before it.
    """

    def __init__(self, most_packets: int = 512, most_seconds: float = 0.05) -> None:
        self._most_packets = most_packets
        self._most_seconds = most_seconds
        self._next: int | None = None
        #: The packets and the times of their arrival, the oldest first.
        self._waiting: dict[int, tuple[float, bytes]] = {}

    @property
    def is_waiting(self) -> bool:
        """True while packets wait for one before them."""
        return bool(self._waiting)

    def push(self, packet: bytes, now: float) -> Iterator[bytes]:
        """Add a packet; yield the packets that are in order now.

        Arguments:
            packet: a whole RTP packet; others are left out.
            now: seconds of a monotonic clock.
        """
        if len(packet) < 12:
            return
        sequence = packet[2] << 8 | packet[3]
        if self._next is None or sequence == self._next:
            self._next = (sequence + 1) & 0xFFFF
            yield packet
        else:
            ahead = (sequence - self._next) & 0xFFFF
            if ahead >= _MAX_JUMP:
                if ahead > 0x10000 - 100:
                    return  # late, or twice
                yield from self._in_order()
                self._next = (sequence + 1) & 0xFFFF
                yield packet
                return
            self._waiting.setdefault(sequence, (now, packet))
        if self._waiting:
            yield from self.take(now)

    def take(self, now: float) -> Iterator[bytes]:
        """Yield the packets that are in order, and those that have waited too long."""
        waiting = self._waiting
        while waiting:
            assert self._next is not None
            found = waiting.pop(self._next, None)
            if found is None:
                oldest, _ = next(iter(waiting.values()))
                if len(waiting) <= self._most_packets and now - oldest < self._most_seconds:
                    return
                self._next = min(waiting, key=self._distance)
                found = waiting.pop(self._next)
            self._next = (self._next + 1) & 0xFFFF
            yield found[1]

    def _in_order(self) -> list[bytes]:
        numbers = sorted(self._waiting, key=self._distance)
        found = [self._waiting[number][1] for number in numbers]
        self._waiting.clear()
        return found

    def _distance(self, sequence: int) -> int:
        assert self._next is not None
        return (sequence - self._next) & 0xFFFF
