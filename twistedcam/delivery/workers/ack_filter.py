"""Extracts the acknowledgements from what a viewer sends."""

from __future__ import annotations

from twistedcam import wire


class AckFilter:
    """Finds ACK messages in a viewer's bytes, and returns all other bytes unchanged.

    Most viewers send only acknowledgements, thousands a second in all: the process that sends the
    frames handles them. Bytes that are no message are returned too, and refused by the server.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._passing = 0
        self._is_garbage = False

    def feed(self, data: bytes) -> tuple[int | None, bytes]:
        """Return the newest acknowledged sequence number, or None, and the bytes to pass on."""
        between = not (self._buffer or self._passing or self._is_garbage)
        if between and len(data) == wire.ACK_SIZE and data.startswith(wire.ACK_HEAD):
            return int.from_bytes(data[wire.HEADER.size :], "big"), b""
        newest: int | None = None
        others = bytearray()
        data = self._buffer + data
        self._buffer = b""
        at, end = 0, len(data)
        while at < end:
            if self._is_garbage or self._passing:
                size = end - at if self._is_garbage else min(end - at, self._passing)
                others += data[at : at + size]
                at += size
                self._passing = max(0, self._passing - size)
            elif data[at] != wire.MARK:
                self._is_garbage = True
            elif end - at < wire.HEADER.size:
                self._buffer, at = data[at:], end
            elif not data.startswith(wire.ACK_HEAD, at):
                self._passing = wire.HEADER.size + wire.HEADER.unpack_from(data, at)[3]
            elif end - at < wire.ACK_SIZE:
                self._buffer, at = data[at:], end
            else:
                newest = int.from_bytes(data[at + wire.HEADER.size : at + wire.ACK_SIZE], "big")
                at += wire.ACK_SIZE
        return newest, bytes(others)
