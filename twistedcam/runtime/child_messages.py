"""The messages of child processes that give pictures or sound: kind, length and body."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

#: Kind (1 byte) and length of the body (4 bytes, big-endian).
_HEAD = Struct("!BI")


def child_message(kind: int, body: bytes) -> bytes:
    """Return a message.

    Arguments:
        kind: 0 to 255.
    """
    return _HEAD.pack(kind, len(body)) + body


class ChildMessages:
    """Divides a process's output into messages.

    Arguments:
        most: bytes of a body at most.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Take bytes; yield kind and body of the messages that are complete.

        Raises:
            ValueError: they are no messages.
        """
        self._data += data
        while len(self._data) >= _HEAD.size:
            kind, length = _HEAD.unpack_from(self._data)
            if length > self._most:
                raise ValueError(f"a message of {length} bytes")
            end = _HEAD.size + length
            if len(self._data) < end:
                return
            body = bytes(memoryview(self._data)[_HEAD.size : end])
            del self._data[:end]
            yield kind, body
