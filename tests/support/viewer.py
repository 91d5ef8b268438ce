"""A viewer of the frame port, for tests that look from outside."""

from __future__ import annotations

import contextlib
import socket

from tests.support.process import PATIENCE
from twistedcam import wire
from twistedcam.wire.messages import FrameMessage


class Viewer:
    """A plain blocking client, written from the protocol's description."""

    def __init__(self, address: tuple[str, int], join: wire.Join | None = None) -> None:
        self.socket = socket.create_connection(address, PATIENCE)
        self._decoder = wire.Decoder()
        self._waiting: list[wire.Message] = []
        self.socket.sendall((join or wire.Join()).encode())

    def next(self) -> wire.Message | None:
        """The next message, acknowledged if it is a frame; None at the end."""
        while not self._waiting:
            try:
                data = self.socket.recv(65536)
            except ConnectionError:
                return None
            if not data:
                return None
            self._waiting += self._decoder.feed(data)
        message = self._waiting.pop(0)
        if isinstance(message, FrameMessage):
            with contextlib.suppress(ConnectionError):  # the server may be gone: read what it said
                self.socket.sendall(wire.Ack(message.frame.seq).encode())
        return message

    def until(self, kind: type, **fields: object) -> wire.Message:
        """Read on until such a message comes."""
        while True:
            message = self.next()
            assert message is not None, "the connection ended"
            if isinstance(message, kind) and all(
                getattr(message, key) == value for key, value in fields.items()
            ):
                return message

    def close(self) -> None:
        self.socket.close()
