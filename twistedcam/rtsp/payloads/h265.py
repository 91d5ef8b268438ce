"""H.265 in RTP (RFC 7798)."""

from __future__ import annotations

from twistedcam.media.h265 import H265
from twistedcam.media.nal import BitReader
from twistedcam.rtsp.payloads.unit import NalDepacketizer

_LAST_SLICE = 31
_VPS, _SPS = 32, 33
_AGGREGATE, _FRAGMENT = 48, 49


class H265Depacketizer(NalDepacketizer):
    """Makes access units of single NAL units, aggregation packets and fragments.

    Arguments:
        parameter_sets: NAL units that the session description has, without start codes.
        has_don: True if packets have decoding order numbers (sprop-max-don-diff is not 0).
    """

    codec = H265

    def __init__(self, parameter_sets: tuple[bytes, ...] = (), has_don: bool = False) -> None:
        self._has_don = has_don
        super().__init__(parameter_sets)

    def _take(self, payload: bytes) -> None:
        if len(payload) < 3:
            self._damage("a packet is cut")
            return
        kind = payload[0] >> 1 & 0x3F
        extra = 2 if self._has_don else 0
        if kind == _FRAGMENT:
            if len(payload) < 4 + extra:
                self._damage("a fragment is cut")
                return
            head = payload[2]
            nal = bytes(((payload[0] & 0x81) | (head & 0x3F) << 1, payload[1]))
            self._fragment(nal, payload[3 + extra :], head > 0x7F, head & 0x40 != 0)
        elif kind < _AGGREGATE:
            self._nals.append(payload[:2] + payload[4:] if extra else payload)
        elif kind == _AGGREGATE:
            self._aggregate_h265(payload)
        else:
            self._damage(f"an H.265 packet has the unknown type {kind}")

    def _aggregate_h265(self, payload: bytes) -> None:
        if not self._has_don:
            self._aggregate(payload, 2)
            return
        at, extra = 2, 2
        while at + extra + 2 < len(payload):  # the first number has two bytes, the others one
            start = at + extra + 2
            end = start + (payload[at + extra] << 8 | payload[at + extra + 1])
            if end > len(payload):
                self._damage("an aggregated packet is cut")
                return
            self._nals.append(payload[start:end])
            at, extra = end, 1

    def _begins(self, payload: bytes) -> bool:
        extra = 2 if self._has_don else 0
        if len(payload) < 5 + extra:
            return False
        kind, at = payload[0] >> 1 & 0x3F, 2
        if kind == _FRAGMENT:
            if payload[2] < 0x80:
                return False
            kind, at = payload[2] & 0x3F, 3 + extra
        elif kind == _AGGREGATE:
            at = 4 + extra
            kind, at = payload[at] >> 1 & 0x3F, at + 2
        else:
            at += extra
        # first_slice_segment_in_pic_flag (7.3.6.1)
        return len(payload) > at and (kind > _LAST_SLICE or payload[at] > 0x7F)

    def _set_id(self, kind: int, nal: bytes) -> int:
        bits = BitReader(nal, 2)
        if kind == _VPS:
            return bits.read(4)
        if kind == _SPS:
            _skip_profile(bits)
        return bits.unsigned()


def _skip_profile(bits: BitReader) -> None:
    """Skip what is before the number of an SPS (H.265, 7.3.2.2.1, 7.3.3)."""
    bits.skip(4)
    sub_layers = bits.read(3)
    bits.skip(1 + 88 + 8)
    flags = [(bits.flag(), bits.flag()) for _ in range(sub_layers)]
    if sub_layers:
        bits.skip(2 * (8 - sub_layers))
    for has_profile, has_level in flags:
        bits.skip(88 * has_profile + 8 * has_level)
