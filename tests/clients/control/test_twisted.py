"""Clients: the same dialogue whatever way the bytes were cut, over Twisted, and one who is deaf."""

from __future__ import annotations

import json
import socket
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks, maybeDeferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.support.fakes import make_server
from twistedcam.clients.control.blocking import BlockingClient
from twistedcam.clients.control.dialogue import ControlClientSession, answer, write_line
from twistedcam.clients.control.twisted import ControlClient, connect
from twistedcam.commands import standard_commands
from twistedcam.errors import (
    BadArgument,
    CommandError,
    DiskError,
    NoServer,
    UnknownCommand,
    error_from_code,
)
from twistedcam.events import Fault
from twistedcam.servers.control.line_format import split
from twistedcam.servers.control.protocol import ControlFactory
from twistedcam.sources.spec import parse

GREETING = b'OK twistedcam 1 9.9\n{"ok": true}\n'


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=5))), st.lists(st.integers()))
def test_messages_are_the_same_whatever_way_the_bytes_were_cut(
    messages: list[dict[str, Any]], cuts: list[int]
) -> None:
    data = GREETING + b"".join(json.dumps(each).encode() + b"\n" for each in messages)
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    dialogue = ControlClientSession()
    found = [each for a, b in pairwise(places) for each in dialogue.feed(data[a:b])]
    assert found == messages
    assert dialogue.server_version == "9.9"


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b"220 mail.example ESMTP\n", "no twistedcam control port"),
        (b"OK twistedcam 2 9.9\n", "version 2"),
        (GREETING + b"what?\n", "no answer"),
    ],
)
def test_what_is_no_control_port_is_found_out(data: bytes, hint: str) -> None:
    with pytest.raises(NoServer, match=hint):
        list(ControlClientSession().feed(data))


def test_a_server_may_refuse_in_its_greeting() -> None:
    with pytest.raises(DiskError, match="all is full"):
        list(ControlClientSession().feed(b"ERR disk all is full\n"))


def test_errors_come_back_as_they_were_raised() -> None:
    assert isinstance(error_from_code("unknown-command", "x"), UnknownCommand)
    assert str(error_from_code("from-the-future", "x")) == "from-the-future: x"
    with pytest.raises(CommandError):
        answer({"ok": False})


@given(st.lists(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]))))
def test_words_arrive_as_they_were_sent(words: list[str]) -> None:
    assert split(write_line(words).rstrip(b"\n")) == words


def test_a_word_with_a_line_end_is_not_sent() -> None:
    with pytest.raises(BadArgument):
        write_line(["a\nshutdown"])


@pytest.mark.parametrize(
    "endpoint", ["", "nonsense", "tcp:", "tcp:a:b", "tcp:h:99999", "tcp:h:²", "unix:"]
)
def test_an_endpoint_that_is_none_is_refused(endpoint: str) -> None:
    with pytest.raises(BadArgument):
        BlockingClient(endpoint)


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
    def test_questions_are_answered_in_order(self) -> Any:
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
    def test_events_come_until_something_is_asked(self) -> Any:
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
    def test_a_server_that_goes_fails_what_waits(self) -> Any:
        client = yield self.connect()
        for connection in self.factory.connections:
            connection.transport.abortConnection()
        yield self.assertFailure(client.ask("ping"), NoServer)
        yield client.closed

    @inlineCallbacks
    def test_no_server_is_said_in_one_sentence(self) -> Any:
        yield self.port.stopListening()
        failing = Deferred.fromCoroutine(connect(reactor, self.endpoint))
        error = yield self.assertFailure(failing, NoServer)
        self.assertIn("twistedcam serve", str(error))

    @inlineCallbacks
    def test_a_blocking_client_that_is_closed_ends_its_watch(self) -> Any:
        client = yield deferToThread(BlockingClient, self.endpoint)
        events = yield deferToThread(client.watch)
        self.server.events.publish(Fault("cam", "disk", "full"))
        heard = yield deferToThread(next, events)
        self.assertEqual(heard["reason"], "full")
        rest = deferToThread(list, events)
        client.close()
        self.assertEqual((yield rest), [])

    @inlineCallbacks
    def test_one_who_watches_and_never_reads_is_dropped_and_nobody_else(self) -> Any:
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
