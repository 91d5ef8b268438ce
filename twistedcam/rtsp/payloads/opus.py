"""Opus in RTP (RFC 7587): each packet is one Opus packet."""

from __future__ import annotations

import struct

from twistedcam.rtsp.payloads.unit import AccessUnit

#: Units of the timestamp in a second, whatever the samples were.
CLOCK_RATE = 48000


class OpusDepacketizer:
    """Returns the Opus packet of each RTP packet."""

    def push(self, payload: bytes, timestamp: int, marker: bool) -> tuple[AccessUnit, ...]:
        """Take the payload of the next packet; return its access unit.

        Arguments:
            timestamp, marker: of the packet; the marker begins speech after silence.
        """
        return (AccessUnit(timestamp, payload),) if payload else ()

    def lost(self) -> None:
        """Note that packets are missing before the next one: each of them stands alone."""


def opus_head(channels: int) -> bytes:
    """Return the OpusHead (RFC 7845, 5.1) of a stream whose description has none."""
    return b"OpusHead" + struct.pack("<BBHIhB", 1, channels, 312, CLOCK_RATE, 0, 0)


def packetize(data: bytes, limit: int) -> list[bytes]:
    """Return the payload of the RTP packet of an Opus packet, which is never cut (section 4.2)."""
    return [data] if data else []
