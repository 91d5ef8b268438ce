"""H.265 in RTP (RFC 7798)."""

from __future__ import annotations

from twistedcam.media.h265 import H265
from twistedcam.media.nal import BitReader, split_units
from twistedcam.rtsp.payloads.unit import NalDepacketizer

_LAST_SLICE = 31
_VPS, _SPS = 32, 33
_AGGREGATE, _FRAGMENT = 48, 49
#: The start and the end bit of a fragment (RFC 7798, 4.4.3).
_START, _END = 0x80, 0x40


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
            following = b"" if extra else payload[:2] + bytes((head & 0x3F,))
            self._fragment(nal, payload[3 + extra :], head > 0x7F, head & 0x40 != 0, following)
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


def packetize(data: bytes, limit: int) -> list[bytes]:
    """Return the payloads of the RTP packets of an access unit.

    Small units next to each other, such as parameter sets, share a packet; a large unit is cut
    into fragments.

    Arguments:
        data: the access unit in Annex B.
        limit: bytes of a payload at most.
    """
    payloads: list[bytes] = []
    gathered: list[bytes] = []
    size = 2
    for unit in split_units(data):
        if len(unit) < 2:
            continue  # shorter than a header: no decoder could read it
        if len(unit) + 4 > limit:
            payloads += _aggregate(gathered)
            gathered, size = [], 2
            payloads += _fragment(unit, limit)
            continue
        if size + 2 + len(unit) > limit:
            payloads += _aggregate(gathered)
            gathered, size = [], 2
        gathered.append(unit)
        size += 2 + len(unit)
    return payloads + _aggregate(gathered)


def _aggregate(units: list[bytes]) -> list[bytes]:
    """Return a payload with all units; none without units, and a single unit as it is."""
    if len(units) < 2:
        return units
    # F is that of any unit, the layer and the temporal id are the lowest (section 4.4.2).
    heads = [unit[0] << 8 | unit[1] for unit in units]
    forbidden = max(head & 0x8000 for head in heads)
    layer = min(head & 0x01F8 for head in heads)
    head = forbidden | _AGGREGATE << 9 | layer | min(head & 0x0007 for head in heads)
    parts = [part for unit in units for part in (len(unit).to_bytes(2, "big"), unit)]
    return [b"".join((head.to_bytes(2, "big"), *parts))]


def _fragment(unit: bytes, limit: int) -> list[bytes]:
    if len(unit) <= limit:
        return [unit]
    kind = unit[0] >> 1 & 0x3F
    head = bytes((unit[0] & 0x81 | _FRAGMENT << 1, unit[1]))
    step, last = limit - 3, len(unit)
    payloads = []
    for at in range(2, last, step):
        flags = (_START if at == 2 else 0) | (_END if at + step >= last else 0)
        payloads.append(head + bytes((flags | kind,)) + unit[at : at + step])
    return payloads
