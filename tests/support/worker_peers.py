"""A connection for tests of workers."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet.interfaces import ISystemHandle
from zope.interface import implementer


@implementer(ISystemHandle)
class Connection:
    """A viewer's connection, as its transport."""

    TLS = False

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.written: list[bytes] = []
        self.calls: list[str] = []

    def getHandle(self) -> socket.socket:
        return self.sock

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def __getattr__(self, name: str) -> Any:
        return lambda *_: self.calls.append(name)
