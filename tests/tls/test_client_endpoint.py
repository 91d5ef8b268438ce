"""Clients on Twisted accept the right server only."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial import unittest

from tests.support.process import PATIENCE
from twistedcam.errors import CertificateRefused
from twistedcam.tls.certificate import make_certificate
from twistedcam.tls.client import Trust
from twistedcam.tls.client_endpoint import client_endpoint
from twistedcam.tls.server_endpoint import server_endpoint

reactor: Any = installed_reactor


class Greeter(Protocol):
    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(b"hello")
        self.transport.loseConnection()


class Listener(Protocol):
    def __init__(self) -> None:
        self.heard = b""
        self.over: Deferred[Failure] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        over, self.over = self.over, Deferred()
        over.callback(reason.value)  # type: ignore[arg-type]


class ConnectingTests(unittest.TestCase):
    timeout = PATIENCE

    async def setUp(self) -> None:  # type: ignore[override]
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.fingerprint = make_certificate(self.folder, ["localhost"], datetime.now(UTC))
        keys = f"privateKey={folder.name}/key.pem:certKey={folder.name}/cert.pem"
        endpoint, _ = server_endpoint(reactor, f"ssl:0:interface=127.0.0.1:{keys}")
        self.port: Any = await endpoint.listen(Factory.forProtocol(Greeter))
        self.addCleanup(self.port.stopListening)

    async def hear(self, trust: Trust) -> tuple[bytes, Any]:
        endpoint = client_endpoint(reactor, "localhost", self.port.getHost().port, trust)
        listener: Any = await endpoint.connect(Factory.forProtocol(Listener))
        reason = await listener.over
        return listener.heard, reason

    async def test_the_fingerprint_decides(self) -> None:
        heard, _ = await self.hear(Trust(fingerprint=self.fingerprint))
        self.assertEqual(heard, b"hello")
        heard, reason = await self.hear(Trust(fingerprint="0" * 64))
        self.assertEqual(heard, b"")
        self.assertIsInstance(reason, CertificateRefused)
        self.assertIn(self.fingerprint, str(reason))

    async def test_so_does_the_file_of_trusted_ones(self) -> None:
        heard, _ = await self.hear(Trust(cafile=str(self.folder / "cert.pem")))
        self.assertEqual(heard, b"hello")

    async def test_one_that_nobody_signed_is_refused(self) -> None:
        heard, _ = await self.hear(Trust())
        self.assertEqual(heard, b"")
