"""Receives the RTP and RTCP packets of one track."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from struct import Struct

from twistedcam.rtsp.formats import Depacketizer, TrackFormat
from twistedcam.rtsp.messages import Bounds
from twistedcam.rtsp.payloads.unit import AccessUnit, NalDepacketizer
from twistedcam.rtsp.rtcp import (
    ReceiverReport,
    ReportBlock,
    RtcpBye,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    parse_rtcp,
)
from twistedcam.rtsp.rtp import Reception, parse_rtp

_HEADER = Struct("!xBHII")
_TIME_AND_SENDER = Struct("!II")
#: The second byte of an RTCP packet, which no RTP packet has (RFC 5761, section 4).
_RTCP_KINDS = range(192, 224)
#: Version and payload type, sequence number, and the bytes from the timestamp to a piece of a
#: fragmented NAL unit, by the length of ``continuation``.
_FRAGMENTS = {length: Struct(f"!HH{8 + length}s") for length in (2, 3)}


class TrackReceiver:
    """Makes access units of a track's packets.

    Arguments:
        form: the format of the track.
        ssrc: the number of this receiver.
        cname: its name.
        now: seconds of a monotonic clock.
        on_unit: called with each access unit, and with those that are broken.
        on_report: called with each sender report.
        on_end: called when the sender says that it ends.
    """

    def __init__(
        self,
        form: TrackFormat,
        ssrc: int,
        cname: str,
        now: Callable[[], float],
        on_unit: Callable[[AccessUnit], object],
        on_report: Callable[[SenderReport], object],
        on_end: Callable[[], object],
    ) -> None:
        self._payload_type = form.payload_type
        self._ssrc = ssrc
        self._cname = cname
        self._now = now
        self._on_unit = on_unit
        self._on_report = on_report
        self._on_end = on_end
        self.depacketizer: Depacketizer = form.make_depacketizer()
        self._push = self.depacketizer.push
        self._nal_units = (
            self.depacketizer if isinstance(self.depacketizer, NalDepacketizer) else None
        )
        self.reception = Reception(form.clock_rate)
        #: True if packets wait before they are received, so that their jitter is not known.
        self.is_gathering = False
        #: The sender's number, from its packets.
        self._sender: int | None = None
        #: The middle 32 bits of the NTP time of the last sender report, and when it arrived.
        self._last_report = (0, 0.0)

    @property
    def payload_type(self) -> int:
        """The payload type of the packets that come."""
        return self._payload_type

    def receive_rtp(self, data: bytes, bounds: Bounds) -> None:
        """Take the RTP packets at ``bounds`` in ``data``; anything else is left out."""
        at, nal_units = 0, self._nal_units
        while at < len(bounds):
            start, end = bounds[at]
            self._receive(data, start, end)
            at += 1
            if nal_units is not None and nal_units.continuation:
                at += self._receive_fragments(data, bounds, at, nal_units)

    def _receive_fragments(
        self, data: bytes, bounds: Bounds, at: int, nal_units: NalDepacketizer
    ) -> int:
        """Take the fragments from ``bounds[at]`` on that continue the NAL unit of the one before.

        Most packets are such: they differ in their sequence numbers and pieces alone. Returns
        their number.
        """
        continuation = nal_units.continuation
        same = _TIME_AND_SENDER.pack(nal_units.timestamp, self._sender) + continuation
        first = 0x8000 | self._payload_type
        length = 4 + len(same)
        unpack, pieces = _FRAGMENTS[len(continuation)].unpack_from, []
        assert self.reception.highest is not None
        expected = self.reception.highest & 0xFFFF
        for start, end in bounds[at:]:
            if end - start <= length:
                break
            kind, sequence, rest = unpack(data, start)
            expected = expected + 1 & 0xFFFF
            if rest != same or sequence != expected or kind != first:
                break
            pieces.append(data[start + length : end])
        if pieces:
            self.reception.note_following(len(pieces))
            nal_units.push_pieces(pieces)
        return len(pieces)

    def _receive(self, data: bytes, start: int, end: int) -> None:
        if end - start < 12:
            return
        kind, sequence, timestamp, sender = _HEADER.unpack_from(data, start)
        if data[start] == 0x80:
            payload = data[start + 12 : end]
        else:
            try:
                payload = parse_rtp(data, start, end).payload
            except ValueError:
                return
        if kind & 0x7F != self._payload_type:
            if kind in _RTCP_KINDS:  # a camera that uses the two channels the other way round
                self._receive_rtcp(data[start:end])
                return
            if self._sender is not None:
                return  # such as error correction
            # A camera whose packets have another type than its description says.
            self._payload_type = kind & 0x7F
        self._sender = sender
        missing = self.reception.note(sequence)
        if missing:
            if missing < 0:
                return
            self.depacketizer.lost()
        units = self._push(payload, timestamp, kind > 0x7F)
        if units:
            if not self.is_gathering:
                self.reception.note_arrival(timestamp, self._now())
            for unit in units:
                self._on_unit(unit)

    def receive_rtcp(self, data: bytes, bounds: Bounds) -> None:
        """Take the RTCP packets at ``bounds`` in ``data``, and RTP packets between them."""
        for start, end in bounds:
            if end - start > 1 and data[start + 1] not in _RTCP_KINDS:
                self._receive(data, start, end)
            else:
                self._receive_rtcp(data[start:end])

    def _receive_rtcp(self, packet: bytes) -> None:
        with suppress(ValueError):
            for each in parse_rtcp(packet):
                self._take_report(each)

    def _take_report(self, packet: RtcpPacket) -> None:
        if isinstance(packet, SenderReport):
            self._last_report = (packet.ntp >> 16 & 0xFFFFFFFF, self._now())
            self._on_report(packet)
        elif isinstance(packet, RtcpBye) and self._sender in packet.ssrcs:
            self._on_end()

    def report(self) -> bytes:
        """Return a receiver report, as a compound packet."""
        blocks: tuple[ReportBlock, ...] = ()
        if self._sender is not None and self.reception.highest is not None:
            last, when = self._last_report
            delay = round((self._now() - when) * 65536) if last else 0
            blocks = (
                ReportBlock(
                    self._sender,
                    self.reception.fraction_lost(),
                    self.reception.lost,
                    self.reception.highest,
                    round(self.reception.jitter),
                    last,
                    delay,
                ),
            )
        report = ReceiverReport(self._ssrc, blocks).encode()
        return report + SourceDescription(self._ssrc, self._cname).encode()
