"""The client over Twisted, with a control port in this process."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks, maybeDeferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.support.fakes import make_server
from twistedcam.clients.control.twisted import ControlClient, connect
from twistedcam.commands import standard_commands
from twistedcam.errors import (
    NoServer,
    UnknownCommand,
)
from twistedcam.events import Fault
from twistedcam.servers.control.protocol import ControlFactory
from twistedcam.sources.spec import parse


class LoopbackTests(TestCase):
    """Against a real port in this process."""

    def setUp(self) -> None:
        self.server = make_server(reactor, Path(tempfile.gettempdir(), "never-written"))  # type: ignore[arg-type]
        self.server.add_camera("cam", parse("pattern:"))
        self.factory = ControlFactory(self.server, standard_commands())
        self.port = reactor.listenTCP(0, self.factory, interface="127.0.0.1")  # type: ignore[attr-defined]
        self.endpoint = f"tcp:127.0.0.1:{self.port.getHost().port}"

    async def _end(self) -> None:
        await maybeDeferred(self.port.stopListening)
        await self.factory.close()

    def tearDown(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._end())

    def connect(self) -> Deferred[ControlClient]:
        return Deferred.fromCoroutine(connect(reactor, self.endpoint))

    @inlineCallbacks
    def test_commands_are_answered_in_order(self) -> Any:
        client = yield self.connect()
        asked = [client.ask("ping"), client.ask("cameras"), client.ask("nope")]
        pong = yield asked[0]
        cameras = yield asked[1]
        self.assertEqual(pong, {})
        self.assertEqual(cameras["cameras"][0]["camera"], "cam")
        yield self.assertFailure(asked[2], UnknownCommand)
        yield client.close()
        yield self.assertFailure(client.ask("ping"), NoServer)

    @inlineCallbacks
    def test_events_come_until_another_command(self) -> Any:
        client = yield self.connect()
        heard: list[Any] = []
        yield client.watch(heard.append, "cam")
        asked = client.ask("ping")
        self.server.events.publish(Fault("cam", "disk", "full"))
        yield asked
        self.server.events.publish(Fault("cam", "disk", "fuller"))
        yield client.ask("ping")
        self.assertEqual([each["reason"] for each in heard], ["full"])
        yield client.close()

    @inlineCallbacks
    def test_a_lost_server_fails_pending_commands(self) -> Any:
        client = yield self.connect()
        for connection in self.factory.connections:
            connection.transport.abortConnection()
        yield self.assertFailure(client.ask("ping"), NoServer)
        yield client.closed

    @inlineCallbacks
    def test_a_missing_server_is_an_error(self) -> Any:
        yield self.port.stopListening()
        failing = Deferred.fromCoroutine(connect(reactor, self.endpoint))
        error = yield self.assertFailure(failing, NoServer)
        self.assertIn("twistedcam serve", str(error))

    @inlineCallbacks
    def test_only_the_client_that_never_reads_is_disconnected(self) -> Any:
        client = yield self.connect()
        heard: list[Any] = []
        yield client.watch(heard.append)
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            yield deferToThread(deaf.connect, ("127.0.0.1", self.port.getHost().port))
            deaf.sendall(b"watch\n")
            while len(self.factory.connections) < 2:
                yield deferLater(reactor, 0)
            told = 0
            while len(self.factory.connections) == 2:
                self.server.events.publish(Fault("cam", "disk", "x" * 1000))
                told += 1
                self.assertLess(told, 2000, "megabytes are kept for one who does not read")
                yield deferLater(reactor, 0)
        while len(heard) < told:
            yield deferLater(reactor, 0)
        yield client.close()
