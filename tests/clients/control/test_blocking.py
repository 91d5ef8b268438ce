"""The blocking client, with a server in a thread of the test."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from twistedcam.clients.control.blocking import BlockingClient
from twistedcam.errors import BadArgument, NoServer, Unauthorized, UnknownCommand

GREETING = b'OK twistedcam 1 9.9\n{"ok": true}\n'
PATIENCE = 10


class Peer:
    """Accepts one connection; a test sends and receives at its other end."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._greeting = GREETING
        self.connection: socket.socket | None = None
        self.endpoint = f"127.0.0.1:{self._listening.getsockname()[1]}"

    def greet(self, greeting: bytes = GREETING) -> None:
        """Accept in a thread, and send a greeting."""
        self._greeting = greeting
        threading.Thread(target=self._accept, daemon=True).start()

    def client(self) -> BlockingClient:
        """Connect a client."""
        self.greet()
        return BlockingClient(self.endpoint, PATIENCE)

    def _accept(self) -> None:
        self.connection, _ = self._listening.accept()
        self.connection.sendall(self._greeting)

    def send(self, *lines: bytes) -> None:
        assert self.connection is not None
        self.connection.sendall(b"".join(line + b"\n" for line in lines))

    def received(self, end: bytes) -> bytes:
        """Return what the client has sent, up to these bytes."""
        assert self.connection is not None
        self.connection.settimeout(PATIENCE)
        data = b""
        while not data.endswith(end):
            data += self.connection.recv(1)
        return data

    def close(self) -> None:
        self._listening.close()
        if self.connection is not None:
            self.connection.close()


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


def test_commands_are_sent_at_once_and_answered_in_order(peer: Peer) -> None:
    with peer.client() as client:
        assert (client.server_version, client.granted) == ("9.9", {})
        peer.send(b'{"ok": true, "n": 1}', b'{"event": "fault"}', b'{"ok": true, "n": 2}')
        assert client.ask_all([["ping"], ["get", "a b"]]) == [{"n": 1}, {"n": 2}]
        assert peer.received(b"'a b'\n") == b"json on\nping\nget 'a b'\n"


def test_an_error_is_raised_by_its_code(peer: Peer) -> None:
    with peer.client() as client:
        peer.send(b'{"ok": false, "code": "unknown-command", "message": "no \'x\'"}')
        with pytest.raises(UnknownCommand, match="no 'x'"):
            client.ask("x")
        peer.send(b'{"ok": true}')
        assert client.ask("ping") == {}  # the connection can still be used


def test_the_rights_of_a_token_are_granted(peer: Peer) -> None:
    peer.greet(GREETING + b'{"ok": true, "rights": "view"}\n')
    with BlockingClient(peer.endpoint, PATIENCE, token="secret") as client:
        assert client.granted == {"rights": "view"}
        assert peer.received(b"secret\n") == b"json on\nauth secret\n"


def test_a_refusal_closes_the_connection(peer: Peer) -> None:
    peer.greet(b"ERR unauthorized this address must wait\n")
    with pytest.raises(Unauthorized, match="must wait"):
        BlockingClient(peer.endpoint, PATIENCE)
    assert peer.received(b"json on\n")
    assert peer.connection is not None and peer.connection.recv(1) == b""


def test_an_answer_that_does_not_come_is_an_error(peer: Peer) -> None:
    with peer.client() as client, pytest.raises(NoServer, match="does not answer"):
        client.ask("ping", timeout=0.01)


def test_a_lost_server_is_an_error(peer: Peer) -> None:
    with peer.client() as client:
        assert not client.has_ended()
        peer.send(b'{"ok": true}')
        events = client.watch("door")
        assert peer.received(b"watch door\n")
        assert peer.connection is not None
        peer.connection.shutdown(socket.SHUT_RDWR)
        with pytest.raises(NoServer, match="closed"):
            next(events)
        assert client.has_ended()


def test_a_client_that_is_closed_ends_its_watch(peer: Peer) -> None:
    client = peer.client()
    peer.send(b'{"ok": true}', b'{"event": "fault", "reason": "full"}')
    events = client.watch()
    assert next(events)["reason"] == "full"
    rest: list[object] = []
    thread = threading.Thread(target=lambda: rest.append(list(events)))
    thread.start()
    client.close()
    thread.join(PATIENCE)
    assert rest == [[]]


@pytest.mark.parametrize(
    "endpoint", ["", "nonsense", "tcp:", "tcp:a:b", "tcp:h:99999", "tcp:h:²", "unix:"]
)
def test_an_invalid_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(BadArgument):
        BlockingClient(endpoint)


@pytest.mark.parametrize("form", ["{}", "tcp:{}", "tcp:host={}:port={}", "tcp:[{}]:{}"])
def test_an_endpoint_has_several_forms(form: str, peer: Peer) -> None:
    host, port = peer.endpoint.split(":")
    places = (host, port) if form.count("{}") == 2 else (peer.endpoint,)
    peer.greet()
    BlockingClient(form.format(*places), PATIENCE).close()


def test_a_missing_server_is_an_error_with_what_to_do(peer: Peer, tmp_path: Path) -> None:
    peer.close()
    for endpoint in (peer.endpoint, f"unix:{tmp_path}/no-socket", f"unix:path={tmp_path}/none"):
        with pytest.raises(NoServer, match="twistedcam serve"):
            BlockingClient(endpoint, PATIENCE)
    with pytest.raises(NoServer, match="not a host name"):
        BlockingClient(f"{'x' * 70}.example:1", PATIENCE)
