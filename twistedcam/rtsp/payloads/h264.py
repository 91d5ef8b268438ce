"""H.264 in RTP (RFC 6184)."""

from __future__ import annotations

from twistedcam.media.h264 import H264
from twistedcam.media.nal import BitReader
from twistedcam.rtsp.payloads.unit import NalDepacketizer

_FIRST_SLICE, _LAST_SLICE, _SPS = 1, 5, 7
_STAP_A, _STAP_B, _FU_A, _FU_B = 24, 25, 28, 29


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
            head = payload[1]
            nal = bytes(((payload[0] & 0xE0) | (head & 0x1F),))
            self._fragment(nal, payload[2:], head > 0x7F, head & 0x40 != 0)
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
