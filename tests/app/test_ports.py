"""Ports are opened to the network and closed again; connections that are there stay."""

from __future__ import annotations

import shutil
import socket
import tempfile
from pathlib import Path

from twisted.application.service import MultiService
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from tests.support.ports import free_port
from twistedcam.app.ports import PortSwitch
from twistedcam.auth import Authenticator, Grant, TokenFile
from twistedcam.config.options import ServeOptions
from twistedcam.errors import BadArgument, StartupError
from twistedcam.net.listener import Listener


class Echo(Protocol):
    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)


class PortTests(TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.ports = [free_port(), free_port()]
        self.factory = Factory.forProtocol(Echo)
        self.service = MultiService()
        self.listeners = {
            "http": [self.make("http", self.local(0))],
            "frames": [self.make("frames", self.local(1))],
            "rtsp": [],
        }
        for each in (*self.listeners["http"], *self.listeners["frames"]):
            each.setServiceParent(self.service)
        self.authenticator = Authenticator(reactor)
        self.switch = PortSwitch(self.service, self.listeners, self.make, self.authenticator)
        self.service.privilegedStartService()
        self.service.startService()
        self.addCleanup(self.service.stopService)
        self.before = ServeOptions(http=[self.local(0)], listen=[self.local(1)])
        self.tokens = TokenFile(self.folder / "tokens.toml")
        self.tokens.add(Grant("boss", frozenset({"admin"})))
        self.after = ServeOptions(
            http=[f"tcp:{self.ports[0]}:interface=0.0.0.0"],
            listen=[f"tcp:{self.ports[1]}:interface=0.0.0.0"],
            tokens=self.tokens.path,
        )

    def local(self, number: int) -> str:
        return f"tcp:{self.ports[number]}:interface=127.0.0.1"

    def make(self, purpose: str, endpoint: str) -> Listener:
        return Listener(reactor, endpoint, self.factory)

    async def echoed(self, connection: socket.socket) -> bytes:
        """Return what the server sends back, while the reactor runs."""
        connection.sendall(b"x")
        connection.setblocking(False)
        waiting: Deferred[None] = Deferred()
        reactor.callLater(0, waiting.callback, None)
        await waiting
        for _ in range(1000):
            try:
                return connection.recv(1)
            except BlockingIOError:
                turn: Deferred[None] = Deferred()
                reactor.callLater(0.001, turn.callback, None)
                await turn
        raise AssertionError("no answer")

    async def test_a_connection_stays_while_the_port_is_opened_and_closed(self) -> None:
        with socket.create_connection(("127.0.0.1", self.ports[0])) as viewer:
            assert await self.echoed(viewer) == b"x"
            assert self.switch.use_tokens(self.after)
            assert self.authenticator.is_needed
            assert not self.switch.use_tokens(self.after)
            assert set(await self.switch.use(self.before, self.after)) == {"http", "listen"}
            [listener] = self.listeners["http"]
            assert listener.address == f"0.0.0.0:{self.ports[0]}"
            assert await self.echoed(viewer) == b"x"
            await self.switch.use(self.after, self.before)
            [listener] = self.listeners["http"]
            assert listener.address == f"127.0.0.1:{self.ports[0]}"
            assert await self.echoed(viewer) == b"x"

    async def test_without_tokens_nothing_is_opened(self) -> None:
        with self.assertRaises(BadArgument):
            await self.switch.use(self.before, self.after)
        [listener] = self.listeners["http"]
        assert listener.address == f"127.0.0.1:{self.ports[0]}"

    async def test_a_port_that_is_not_available_leaves_all_as_they_were(self) -> None:
        self.switch.use_tokens(self.after)
        with socket.socket() as other:
            other.bind(("127.0.0.2", self.ports[1]))
            other.listen()
            with self.assertRaises(StartupError):
                await self.switch.use(self.before, self.after)
            for purpose, number in (("http", 0), ("frames", 1)):
                [listener] = self.listeners[purpose]
                assert listener.address == f"127.0.0.1:{self.ports[number]}"
                with socket.create_connection(("127.0.0.1", self.ports[number])) as viewer:
                    assert await self.echoed(viewer) == b"x"

    def test_a_file_of_tokens_that_cannot_be_read_changes_nothing(self) -> None:
        self.tokens.path.unlink()
        self.assertRaises(BadArgument, self.switch.use_tokens, self.after)
        self.assertFalse(self.authenticator.is_needed)
