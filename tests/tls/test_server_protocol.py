"""TLS connections take turns, and a half-closed connection gets its answers."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from zope.interface import implementer

from tests.support.process import PATIENCE, ServerProcess
from twistedcam import wire
from twistedcam.runtime.scheduler import Scheduler
from twistedcam.tls.certificate import make_certificate
from twistedcam.tls.server_endpoint import ServerCertificate
from twistedcam.tls.server_protocol import MAX_AT_ONCE, MAX_SMALL, STEP_SIZE, TLSFactory


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tls")
    make_certificate(made, ["localhost", "127.0.0.1"], datetime.now(UTC))
    return made


@implementer(IHandshakeListener)
class Above(Protocol):
    """A protocol that keeps what it receives."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.has_begun = False

    def handshakeCompleted(self) -> None:
        self.has_begun = True

    def dataReceived(self, data: bytes) -> None:
        self.heard.append(data)


class Rig:
    """A connection in memory, whose scheduler does not run by itself."""

    def __init__(self, folder: Path) -> None:
        self.clock: Any = Clock()
        scheduler = Scheduler(self.clock, immediate=0)  # as if other clients had much work
        files = {"privateKey": str(folder / "key.pem"), "certKey": str(folder / "cert.pem")}
        factory: Factory[Above] = Factory.forProtocol(Above)
        tls = TLSFactory(ServerCertificate(files), factory, self.clock, scheduler)
        self.port: Any = tls.buildProtocol(None)
        self.above: Above = self.port.wrappedProtocol
        self.transport = StringTransport()
        self.port.makeConnection(self.transport)
        context = ssl.create_default_context(cafile=str(folder / "cert.pem"))
        self._to, self._from = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = context.wrap_bio(self._to, self._from, server_hostname="localhost")

    def send(self) -> None:
        """Deliver what the client has written."""
        self.port.dataReceived(self._from.read())

    def turn(self) -> None:
        self.clock.advance(0)
        self._to.write(self.transport.value())
        self.transport.clear()

    def shake_hands(self) -> None:
        while not self.above.has_begun:
            with contextlib.suppress(ssl.SSLWantReadError):
                self.client.do_handshake()
            self.send()
            self.turn()

    def write(self, records: int) -> None:
        for _ in range(records):
            self.client.write(b"x")
        self.send()


@pytest.fixture
def rig(folder: Path) -> Rig:
    return Rig(folder)


def test_a_handshake_waits_for_its_turn_and_nothing_is_read_meanwhile(rig: Rig) -> None:
    with pytest.raises(ssl.SSLWantReadError):
        rig.client.do_handshake()
    rig.send()
    assert (rig.transport.value(), rig.transport.producerState) == (b"", "paused")
    rig.turn()
    assert rig.transport.producerState == "producing"
    rig.shake_hands()
    assert rig.above.heard == []


def test_many_short_records_take_turns_and_come_whole_and_in_order(rig: Rig) -> None:
    rig.shake_hands()
    rig.write(MAX_AT_ONCE // 30)
    assert (rig.above.heard, rig.transport.producerState) == ([], "paused")
    rig.write(1)
    rig.turn()
    assert (len(b"".join(rig.above.heard)), rig.transport.producerState) == (
        MAX_AT_ONCE // 30 + 1,
        "producing",
    )


def test_few_bytes_and_large_ones_of_a_publisher_are_decrypted_immediately(rig: Rig) -> None:
    rig.shake_hands()
    rig.write(MAX_SMALL // 30)
    assert len(rig.above.heard) == MAX_SMALL // 30
    rig.client.write(bytes(2 * MAX_AT_ONCE))
    rig.send()
    assert len(b"".join(rig.above.heard)) == MAX_SMALL // 30 + 2 * MAX_AT_ONCE
    assert STEP_SIZE < MAX_AT_ONCE


def test_what_the_protocol_above_pauses_stays_paused(rig: Rig) -> None:
    rig.shake_hands()
    rig.port.pauseProducing()
    rig.write(MAX_AT_ONCE // 30)
    rig.turn()
    assert rig.transport.producerState == "paused"
    rig.port.resumeProducing()
    assert rig.transport.producerState == "producing"


@pytest.fixture(scope="module")
def server(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    files = f"privateKey={folder / 'key.pem'}:certKey={folder / 'cert.pem'}"
    endpoint = f"ssl:0:interface=127.0.0.1:{files}"
    options = ["--camera", "cam=pattern:?size=160x120&fps=20", "--stopped"]
    options += ["--listen", endpoint, "--control", endpoint]
    with ServerProcess(tmp_path_factory.mktemp("recordings"), *options) as running:
        yield running


class Client:
    """A client that closes its side of TLS and continues to read."""

    def __init__(self, port: int, folder: Path) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._to, self._from = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=str(folder / "cert.pem"))
        self._tls = context.wrap_bio(self._to, self._from, server_hostname="localhost")
        self._call(self._tls.do_handshake)

    def say_all(self, data: bytes) -> None:
        """Send data, and close this side."""
        self._tls.write(data)
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        self._socket.sendall(self._from.read())

    def read_all(self) -> bytes:
        """Read until the server closes its side, too."""
        answers = bytearray()
        while data := self._call(lambda: self._tls.read(65536)):
            answers += data
        self._socket.close()
        return bytes(answers)

    def _call(self, call: Callable[[], Any]) -> Any:
        while True:
            try:
                result = call()
            except ssl.SSLWantReadError:
                self._socket.sendall(self._from.read())
                self._to.write(self._socket.recv(65536))
                continue
            except ssl.SSLZeroReturnError:
                return b""
            self._socket.sendall(self._from.read())
            return result


def test_a_client_that_closes_its_side_gets_all_answers(
    server: ServerProcess, folder: Path
) -> None:
    client = Client(server.tls_ports()[1], folder)
    client.say_all(b"start\nstatus\n" + b"ping\n" * 200)  # start takes a while
    answers = client.read_all().splitlines()
    assert b"state: live" in answers
    assert answers.count(b"OK") == 202


def test_a_viewer_that_closes_its_side_is_disconnected(server: ServerProcess, folder: Path) -> None:
    client = Client(server.tls_ports()[0], folder)
    client.say_all(wire.Join().encode())
    client.read_all()
