"""Takes the acknowledgements out of what a viewer sends."""

from __future__ import annotations

from twistedcam import wire


class AckFilter:
    """Finds ACK messages in a viewer's bytes; all others are passed on untouched.

    Most viewers send nothing but acknowledgements, thousands a second in all: they are dealt with
    where the frames go out. What is no message at all is passed on too, and refused there.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._passing = 0
        self._is_garbage = False

    def feed(self, data: bytes) -> tuple[int | None, bytes]:
        """The newest sequence number acknowledged, or None, and the bytes to pass on."""
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
