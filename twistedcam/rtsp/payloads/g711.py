"""Samples in RTP (RFC 3551, 4.5): A-law and µ-law of one byte (G.711), and L16 of two."""

from __future__ import annotations

from twistedcam.rtsp.payloads.unit import AccessUnit


class G711Depacketizer:
    """Returns the samples of each RTP packet."""

    def push(self, payload: bytes, timestamp: int, marker: bool) -> tuple[AccessUnit, ...]:
        """Take the payload of the next packet; return its access unit.

        Arguments:
            timestamp, marker: of the packet; the marker begins speech after silence.
        """
        return (AccessUnit(timestamp, payload),) if payload else ()

    def lost(self) -> None:
        """Note that packets are missing before the next one: each of them stands alone."""


def packetize(data: bytes, limit: int) -> list[bytes]:
    """Return the payloads of the RTP packets of a piece of sound.

    Arguments:
        data: one byte for each sample.
        limit: bytes of a payload at most.
    """
    return [data[at : at + limit] for at in range(0, len(data), limit)]
