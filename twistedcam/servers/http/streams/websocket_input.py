"""A parser of the data of a WebSocket, a small piece at a time."""

from __future__ import annotations

from collections.abc import Iterator

from wsproto.connection import Connection
from wsproto.events import Event


class WebSocketInput:
    """Keeps bytes until they are parsed, a piece at a time: a client cannot hold the reactor up.

    Arguments:
        protocol: the WebSocket, which is open.
        piece: bytes to parse in one step.
    """

    def __init__(self, protocol: Connection, piece: int) -> None:
        self._protocol = protocol
        self._piece = piece
        self._pending = bytearray()
        self._events: Iterator[Event] = iter(())

    def add(self, data: bytes) -> None:
        """Keep data."""
        self._pending += data

    def clear(self) -> None:
        """Forget the data."""
        self._pending.clear()

    def take(self) -> Event | None:
        """Return the next event of what was parsed, or None."""
        return next(self._events, None)

    def parse(self) -> bool:
        """Parse a piece, of which all events were taken before; return False if there is none.

        Raises:
            ProtocolError: data follows the end of the WebSocket.
        """
        if not self._pending:
            return False
        self._protocol.receive_data(bytes(self._pending[: self._piece]))
        del self._pending[: self._piece]
        self._events = self._protocol.events()
        return True
