"""RTCP packets (RFC 3550, section 6), and the times in them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: Seconds from 1900-01-01, where NTP begins, to 1970-01-01.
NTP_OFFSET = 2_208_988_800
_SENDER, _RECEIVER, _SOURCE, _BYE = 200, 201, 202, 203
_CNAME = 1
_HEADER = struct.Struct("!BBH")
_SENDER_INFO = struct.Struct("!IQIII")
_BLOCK = struct.Struct("!IIIIII")
_MAX_BLOCKS = 31


def unix_us_of_ntp(ntp: int) -> int:
    """Return microseconds since the UNIX epoch.

    Arguments:
        ntp: an NTP timestamp: seconds since 1900, with 32 bits after the point. Values below
            2**63 are those of the era that begins in 2036 (RFC 4330, section 3).
    """
    if ntp < 1 << 63:
        ntp += 1 << 64
    return (ntp * 1_000_000 + (1 << 31) >> 32) - NTP_OFFSET * 1_000_000


def ntp_of_unix_us(time_us: int) -> int:
    """Return the 64-bit NTP timestamp of microseconds since the UNIX epoch."""
    seconds, rest = divmod(time_us + NTP_OFFSET * 1_000_000, 1_000_000)
    return (seconds << 32 | (rest << 32) // 1_000_000) & (1 << 64) - 1


@dataclass(frozen=True)
class ReportBlock:
    """The losses and delays of one sender's packets (RFC 3550, 6.4.1).

    Arguments:
        ssrc: the sender's.
        fraction_lost: since the report before, in 256ths.
        lost: packets lost in all; negative if there were duplicates.
        highest: the highest sequence number, unwrapped, modulo 2**32.
        jitter: of the arrival, in units of the timestamp.
        last_sr: the middle 32 bits of the NTP timestamp of the last sender report, or 0.
        delay: since that report, in 65,536ths of a second.
    """

    ssrc: int
    fraction_lost: int = 0
    lost: int = 0
    highest: int = 0
    jitter: int = 0
    last_sr: int = 0
    delay: int = 0

    def encode(self) -> bytes:
        """Return its 24 bytes."""
        lost = max(-(1 << 23), min(self.lost, (1 << 23) - 1)) & 0xFFFFFF
        return _BLOCK.pack(
            self.ssrc,
            self.fraction_lost << 24 | lost,
            self.highest & 0xFFFFFFFF,
            min(self.jitter, 0xFFFFFFFF),
            self.last_sr,
            min(self.delay, 0xFFFFFFFF),
        )


@dataclass(frozen=True)
class SenderReport:
    """A sender's clock and counts.

    Arguments:
        ntp: 64-bit NTP timestamp of the moment ``rtp`` stands for.
        rtp: RTP timestamp of that moment.
        packets, octets: sent so far, modulo 2**32.
    """

    ssrc: int
    ntp: int
    rtp: int
    packets: int = 0
    octets: int = 0
    blocks: tuple[ReportBlock, ...] = ()

    def encode(self) -> bytes:
        """Return the bytes of the packet."""
        counts = (self.packets & 0xFFFFFFFF, self.octets & 0xFFFFFFFF)
        info = _SENDER_INFO.pack(self.ssrc, self.ntp, self.rtp & 0xFFFFFFFF, *counts)
        return _packet(_SENDER, len(self.blocks), info + _blocks(self.blocks))


@dataclass(frozen=True)
class ReceiverReport:
    """A receiver's report about the packets of one or several senders."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()

    def encode(self) -> bytes:
        """Return the bytes of the packet."""
        return _packet(
            _RECEIVER, len(self.blocks), self.ssrc.to_bytes(4, "big") + _blocks(self.blocks)
        )


@dataclass(frozen=True)
class SourceDescription:
    """The canonical name of a sender or receiver: the same for all of its tracks."""

    ssrc: int
    cname: str

    def encode(self) -> bytes:
        """Return the bytes of the packet."""
        name = self.cname.encode()[:255]
        chunk = self.ssrc.to_bytes(4, "big") + bytes((_CNAME, len(name))) + name
        return _packet(_SOURCE, 1, chunk + bytes(4 - len(chunk) % 4))


@dataclass(frozen=True)
class RtcpBye:
    """The end of senders."""

    ssrcs: tuple[int, ...]
    reason: str = ""

    def encode(self) -> bytes:
        """Return the bytes of the packet."""
        body = b"".join(each.to_bytes(4, "big") for each in self.ssrcs)
        if self.reason:
            reason = self.reason.encode()[:255]
            body += bytes((len(reason),)) + reason
            body += bytes(-len(body) % 4)
        return _packet(_BYE, len(self.ssrcs), body)


RtcpPacket = SenderReport | ReceiverReport | SourceDescription | RtcpBye


def parse_rtcp(data: bytes) -> Iterator[RtcpPacket]:
    """Yield the packets of a compound packet; those of other types are left out.

    Raises:
        ValueError: it is not RTCP; packets before the wrong one have been given.
    """
    at = 0
    while at < len(data):
        if len(data) - at < 4:
            raise ValueError("an RTCP packet is cut")
        first, kind, words = _HEADER.unpack_from(data, at)
        end = at + 4 + 4 * words
        if first >> 6 != 2 or end > len(data):
            raise ValueError("it is not RTCP, or cut")
        body = data[at + 4 : end]
        if first & 0x20 and body:
            body = body[: -body[-1]] if body[-1] else body
        found = _parsed(kind, first & 0x1F, body)
        if found is not None:
            yield found
        at = end


def _parsed(kind: int, count: int, body: bytes) -> RtcpPacket | None:
    if kind == _SENDER:
        if len(body) < _SENDER_INFO.size:
            raise ValueError("a sender report is cut")
        ssrc, ntp, rtp, packets, octets = _SENDER_INFO.unpack_from(body)
        blocks = _parsed_blocks(body[_SENDER_INFO.size :], count)
        return SenderReport(ssrc, ntp, rtp, packets, octets, blocks)
    if kind not in (_RECEIVER, _SOURCE, _BYE):
        return None
    if len(body) < 4:
        if kind == _BYE:
            return RtcpBye(())
        if count == 0:
            return None
        raise ValueError("an RTCP packet is cut")
    ssrc = int.from_bytes(body[:4], "big")
    if kind == _RECEIVER:
        return ReceiverReport(ssrc, _parsed_blocks(body[4:], count))
    if kind == _SOURCE:
        return SourceDescription(ssrc, _cname(body[4:]))
    count = min(count, len(body) // 4)
    ssrcs = struct.unpack_from(f"!{count}I", body)
    rest = body[4 * count :]
    reason = rest[1 : 1 + rest[0]].decode(errors="replace") if rest else ""
    return RtcpBye(ssrcs, reason)


def _parsed_blocks(body: bytes, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for number in range(min(count, len(body) // _BLOCK.size)):
        ssrc, loss, highest, jitter, last_sr, delay = _BLOCK.unpack_from(body, number * _BLOCK.size)
        lost = loss & 0xFFFFFF
        lost -= (lost & 0x800000) << 1
        blocks.append(ReportBlock(ssrc, loss >> 24, lost, highest, jitter, last_sr, delay))
    return tuple(blocks)


def _cname(items: bytes) -> str:
    at = 0
    while at + 2 <= len(items) and items[at]:
        kind, length = items[at], items[at + 1]
        if kind == _CNAME:
            return items[at + 2 : at + 2 + length].decode(errors="replace")
        at += 2 + length
    return ""


def _blocks(blocks: Sequence[ReportBlock]) -> bytes:
    if len(blocks) > _MAX_BLOCKS:
        raise ValueError(f"a report has at most {_MAX_BLOCKS} blocks")
    return b"".join(block.encode() for block in blocks)


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body
