"""A site with a fake clock and fake connections."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.testing import StringTransport

from tests.support.fakes import TINY_JPEG
from tests.support.server_case import ServerCase, TokenCase
from twistedcam.commands import standard_commands
from twistedcam.media.frame import Frame
from twistedcam.net.proxies import TrustedProxies
from twistedcam.servers.http import Guard, HttpFactory, LiveStats, make_router


class Transport(StringTransport):
    """A transport that can be aborted."""

    aborted = False

    def abortConnection(self) -> None:
        """Record the call."""
        self.aborted = True
        self.loseConnection()

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Ignore the call."""


class Connection:
    """One connection to the site."""

    def __init__(self, factory: HttpFactory, host: str = "127.0.0.1") -> None:
        self.transport: Any = Transport(peerAddress=IPv4Address("TCP", host, 4711))
        self.channel = factory.buildProtocol(None)
        self.channel.makeConnection(self.transport)

    def send(self, data: bytes) -> None:
        """Receive data from the client."""
        self.channel.dataReceived(data)

    def take(self) -> bytes:
        """Return what was sent since the last call."""
        data: bytes = self.transport.value()
        self.transport.clear()
        return data

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> int:
        """Send a request and return the status; ``head`` and ``body`` have the response."""
        words = {"Host": "localhost", **{key.replace("_", "-"): headers[key] for key in headers}}
        if body:
            words = {"Content-Length": str(len(body)), "Content-Type": "application/json", **words}
        lines = [f"{method} {path} HTTP/1.1", *(f"{key}: {words[key]}" for key in words), "", ""]
        self.send("\r\n".join(lines).encode() + body)
        head, _, self.body = self.take().partition(b"\r\n\r\n")
        self.head = head.decode()
        return int(self.head.split()[1]) if head else 0

    @property
    def json(self) -> Any:
        """The JSON body of the response."""
        return json.loads(self.body)


class SiteCase(ServerCase):
    """A site with the cameras ``door``, live with frame 1, and ``yard``, stopped."""

    def setUp(self) -> None:
        super().setUp()
        self.door.state = "live"
        self.show(1)
        self.stats = LiveStats(self.server)
        self.registry = standard_commands()
        self.router = make_router(self.server, self.registry, self.stats)
        self.guarded()

    def guarded(self, **guard: Any) -> None:
        """Use a guard with these arguments from now on."""
        self.factory = HttpFactory(partial(self.router.answer, Guard(**guard)), self.server)

    def show(self, seq: int, jpeg: bytes = b"\xff\xd8 jpeg \xff\xd9") -> Frame:
        """Publish a frame of ``door``, captured at 1000 + ``seq`` seconds."""
        frame = Frame(seq, (1000 + seq) * 1_000_000, 640, 480, jpeg)
        self.door.hub.publish(frame)
        return frame

    def connect(self) -> Connection:
        """Return a new connection."""
        return Connection(self.factory)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Connection:
        """Send a request on a new connection."""
        connection = self.connect()
        self.status = connection.ask(method, path, body, **headers)
        return connection

    def answered(self, data: bytes) -> bytes:
        """Return the status of the response to these bytes; check that no error is logged."""
        connection = self.connect()
        connection.send(data)
        self.clock.advance(0)
        status = connection.take()[9:12]
        connection.channel.connectionLost()
        self.assertEqual(self.flushLoggedErrors(), [])
        return status


class TokenSiteCase(TokenCase):
    """A site that needs tokens and trusts the proxies of 10.0.0.0/8."""

    def setUp(self) -> None:
        super().setUp()
        self.server.proxies = TrustedProxies(["10.0.0.0/8"])
        for camera, seq in ((self.door, 1), (self.yard, 2)):
            camera.hub.publish(Frame(seq, 1_000_000, 1, 1, TINY_JPEG))
        router = make_router(self.server, standard_commands(), LiveStats(self.server))
        self.factory = HttpFactory(partial(router.answer, Guard(any_name=True)), self.server)
