"""Extracts the acknowledgements from the WebSocket frames that a browser sends."""

from __future__ import annotations

import re

#: A text message that is not fragmented, and the least size of a masked frame (RFC 6455, 5.2).
_TEXT, _HEAD = 0x81, 6
#: The first byte of a whole message has FIN and no reserved bit; the second has the mask bit.
_WHOLE_BITS, _WHOLE, _MASKED = 0xF0, 0x80, 0x80
#: The largest payload whose size is in the second byte.
_MAX_SMALL = 125
_ACK = re.compile(rb'\s*\{\s*"ack"\s*:\s*(0|[1-9][0-9]{0,17})\s*\}\s*')


class AckFrames:
    """Finds messages such as ``{"ack": 7}``, and returns all other frames unchanged.

    A browser sends one for each picture, thousands a second from hundreds of viewers. The WebSocket
    library needs several times as long for them, and handles everything else. It also gets all
    frames that follow one which is not a small, whole and masked message.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._is_passing = False

    def feed(self, data: bytes) -> tuple[int | None, bytes]:
        """Return the newest acknowledged sequence number, or None, and the bytes to pass on."""
        if self._is_passing:
            return None, data
        newest: int | None = None
        others = b""
        data, at = self._rest + data, 0
        while len(data) - at >= 2:
            first, second = data[at], data[at + 1]
            size = second - _MASKED
            is_whole = first & _WHOLE_BITS == _WHOLE and first != _WHOLE  # no continuation
            if not is_whole or not 0 <= size <= _MAX_SMALL:
                self._is_passing, self._rest = True, b""
                return newest, others + data[at:]
            end = at + _HEAD + size
            if len(data) < end:
                break
            found = _ACK.fullmatch(_unmask(data, at + 2, size)) if first == _TEXT else None
            if found is None:
                others += data[at:end]
            else:
                newest = int(found[1])
            at = end
        self._rest = data[at:]
        return newest, others


def _unmask(data: bytes, at: int, size: int) -> bytes:
    """Return the payload of ``size`` bytes that follows a mask of four bytes at ``at``."""
    mask = (data[at : at + 4] * (size // 4 + 1))[:size]
    masked = int.from_bytes(data[at + 4 : at + 4 + size], "big")
    return (masked ^ int.from_bytes(mask, "big")).to_bytes(size, "big")
