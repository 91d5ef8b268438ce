"""The control port on a fake clock, with clients on fake transports."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from zope.interface import directlyProvides

from tests.support.fakes import make_server
from twistedcam.commands import standard_commands
from twistedcam.servers.control.protocol import ControlFactory, ControlProtocol
from twistedcam.sources.spec import parse


class ControlConnection:
    """The client's side of a connection."""

    def __init__(self, factory: ControlFactory, host: str = "127.0.0.1", tls: bool = False) -> None:
        self.transport: Any = StringTransport(peerAddress=IPv4Address("TCP", host, 4711))
        self.transport.abortConnection = self.transport.loseConnection
        if tls:
            directlyProvides(self.transport, ISSLTransport)
        self.protocol: Any = factory.buildProtocol(None)
        self.protocol.makeConnection(self.transport)
        self.transport.clear()

    def ask(self, line: str) -> list[str]:
        self.protocol.dataReceived(line.encode() + b"\n")
        return self.heard()

    def heard(self) -> list[str]:
        lines: list[str] = self.transport.value().decode().splitlines()
        self.transport.clear()
        return lines


class Wire(StringTransport):
    """A transport that remembers how it was ended."""

    is_aborted = False

    def abortConnection(self) -> None:
        self.is_aborted = True


class ControlPort:
    """A port on a fake clock with one connection to it."""

    def __init__(self, *cameras: str) -> None:
        self.clock = Clock()
        folder = Path(tempfile.gettempdir(), "never-written")
        self.server = make_server(self.clock, folder)
        for name in cameras or ("cam",):
            self.server.add_camera(name, parse("pattern:"))
        self.registry = standard_commands()
        self.slow: list[Deferred[Any]] = []

        @self.registry.command("slow")
        async def slow(server: Any) -> Any:
            """Take its time."""
            waiting: Deferred[Any] = Deferred()
            self.slow.append(waiting)
            return await waiting

        self.factory = ControlFactory(self.server, self.registry)
        self.protocol, self.wire = self.connect()
        self.wire.clear()

    def connect(self) -> tuple[ControlProtocol, Wire]:
        protocol, wire = self.factory.buildProtocol(None), Wire()
        protocol.makeConnection(wire)
        return protocol, wire

    def say(self, data: bytes) -> list[str]:
        """Send bytes; the lines that came back."""
        self.protocol.dataReceived(data)
        self.turn()
        return self.heard()

    def turn(self) -> None:
        for _ in range(700):
            self.clock.advance(0)

    def heard(self) -> list[str]:
        text = self.wire.value().decode()
        self.wire.clear()
        return text.splitlines()
