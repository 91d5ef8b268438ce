"""The socket of a transport, and what the kernel holds for it."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from tests.support.process import PATIENCE
from tests.support.sockets import connect
from twistedcam.delivery.socket_state import stream_socket


class SocketTests(TestCase):
    timeout = PATIENCE

    async def test_a_transport_gives_its_socket(self) -> None:
        near, far = await connect(self, reactor)
        sock = stream_socket(near.transport)
        assert sock is not None
        assert sock.getpeername() == far.getsockname()
