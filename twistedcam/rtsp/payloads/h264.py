"""H.264 in RTP (RFC 6184)."""

from __future__ import annotations

from twistedcam.media.h264 import H264
from twistedcam.media.nal import BitReader, split_units
from twistedcam.rtsp.payloads.unit import NalDepacketizer

_FIRST_SLICE, _LAST_SLICE, _SPS = 1, 5, 7
_STAP_A, _STAP_B, _FU_A, _FU_B = 24, 25, 28, 29
#: The start and the end bit of a fragment (RFC 6184, 5.8).
_START, _END = 0x80, 0x40


class H264Depacketizer(NalDepacketizer):
    """Makes access units of single NAL units, STAP-A, STAP-B, FU-A and FU-B.

    Interleaved order (packetization mode 2) is not undone: no camera is known to send it.
    """

    codec = H264

    def _take(self, payload: bytes) -> None:
        kind = payload[0] & 0x1F
        if kind == _FU_A:
            if len(payload) < 3:
                self._damage("a fragment is cut")
                return
            indicator, head = payload[0], payload[1]
            unit = head & 0x1F
            nal = bytes(((indicator & 0xE0) | unit,))
            following = bytes((indicator, unit))
            self._fragment(nal, payload[2:], head > 0x7F, head & 0x40 != 0, following)
        elif 0 < kind < _STAP_A:
            self._nals.append(payload)
        elif kind == _STAP_A:
            self._aggregate(payload, 1)
        elif kind == _STAP_B:
            self._aggregate(payload, 3)
        elif kind == _FU_B and len(payload) > 4:
            nal = bytes(((payload[0] & 0xE0) | (payload[1] & 0x1F),))
            self._fragment(nal, payload[4:], payload[1] > 0x7F, payload[1] & 0x40 != 0)
        else:
            self._damage(f"an H.264 packet has the unknown type {kind}")

    def _begins(self, payload: bytes) -> bool:
        kind, at = payload[0] & 0x1F, 1
        if kind in (_STAP_A, _STAP_B):
            at = 4 if kind == _STAP_A else 6
            if len(payload) > at:
                kind = payload[at - 1] & 0x1F
        elif kind in (_FU_A, _FU_B):
            if len(payload) < 3 or payload[1] < 0x80:
                return False
            kind, at = payload[1] & 0x1F, (2 if kind == _FU_A else 4)
        if len(payload) <= at:
            return False
        # first_mb_in_slice is 0 if the bit is 1 (7.3.3).
        return not _FIRST_SLICE <= kind <= _LAST_SLICE or payload[at] > 0x7F

    def _set_id(self, kind: int, nal: bytes) -> int:
        return BitReader(nal, 4 if kind == _SPS else 1).unsigned()


def packetize(data: bytes, limit: int) -> list[bytes]:
    """Return the payloads of the RTP packets of an access unit.

    Small units next to each other, such as parameter sets, share a packet (STAP-A); a large unit
    is cut into fragments (FU-A).

    Arguments:
        data: the access unit in Annex B.
        limit: bytes of a payload at most.
    """
    payloads: list[bytes] = []
    gathered: list[bytes] = []
    size = 1
    for unit in split_units(data):
        if len(unit) + 3 > limit:
            payloads += _aggregate(gathered)
            gathered, size = [], 1
            payloads += _fragment(unit, limit)
            continue
        if size + 2 + len(unit) > limit:
            payloads += _aggregate(gathered)
            gathered, size = [], 1
        gathered.append(unit)
        size += 2 + len(unit)
    return payloads + _aggregate(gathered)


def _aggregate(units: list[bytes]) -> list[bytes]:
    """Return a payload with all units; none without units, and a single unit as it is."""
    if len(units) < 2:
        return units
    # F is that of any unit, NRI the highest of all (section 5.7).
    forbidden = max(unit[0] & 0x80 for unit in units)
    head = forbidden | max(unit[0] & 0x60 for unit in units) | _STAP_A
    parts = [part for unit in units for part in (len(unit).to_bytes(2, "big"), unit)]
    return [b"".join((bytes((head,)), *parts))]


def _fragment(unit: bytes, limit: int) -> list[bytes]:
    indicator, kind = unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F
    if len(unit) <= limit:
        return [unit]
    step, last = limit - 2, len(unit)
    payloads = []
    for at in range(1, last, step):
        flags = (_START if at == 1 else 0) | (_END if at + step >= last else 0)
        payloads.append(bytes((indicator, flags | kind)) + unit[at : at + step])
    return payloads
