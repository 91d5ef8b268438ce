"""Each connection gets the fastest sender that it can have."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import TestCase

from tests.support.sockets import connect, serialize
from tests.support.system import require
from twistedcam.delivery import SendfileSender, TlsSender, TransportSender
from twistedcam.delivery.choose import choose_sender
from twistedcam.delivery.socket_state import HAS_SENDFILE


class ChoiceTests(TestCase):
    def chosen(self, transport: Any, waiter: Any = reactor) -> type:
        sender = choose_sender(transport, serialize, lambda: None, waiter)
        self.addCleanup(sender.close)
        return type(sender)

    async def test_a_socket_is_written_from_memory_files(self) -> None:
        require(HAS_SENDFILE, "sendfile needs Linux")
        near, _ = await connect(self, reactor)
        self.assertIs(self.chosen(near.transport), SendfileSender)

    async def test_a_reactor_that_waits_for_no_descriptors_writes_to_the_transport(self) -> None:
        near, _ = await connect(self, reactor)
        self.assertIs(self.chosen(near.transport, Clock()), TransportSender)

    async def test_records_for_tls_are_made_here(self) -> None:
        near, _ = await connect(self, reactor, "tls")
        self.assertIs(self.chosen(near.transport), TlsSender)

    def test_what_has_no_socket_is_written_to(self) -> None:
        self.assertIs(self.chosen(StringTransport()), TransportSender)
