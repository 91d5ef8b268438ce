"""UDP ports, whose packets of RTCP go to the session of their address and to no other."""

from __future__ import annotations

import errno
import socket
from typing import Any
from unittest.mock import patch

import pytest
from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred
from twisted.trial import unittest

from tests.support.process import PATIENCE
from twistedcam.errors import TooMany
from twistedcam.servers.rtsp.udp import UdpPorts

reactor: Any = installed_reactor
LOCAL = "127.0.0.1"


class UdpTests(unittest.TestCase):
    timeout = PATIENCE

    def setUp(self) -> None:
        self.ports = UdpPorts(reactor, LOCAL)
        self.addCleanup(self.ports.close)
        self.rtcp = self.socket()

    def socket(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((LOCAL, 0))
        made.settimeout(PATIENCE)
        self.addCleanup(made.close)
        return made

    def test_the_ports_are_an_even_one_and_the_next(self) -> None:
        rtp, rtcp = self.ports.numbers
        assert (rtp % 2, rtcp) == (0, rtp + 1)

    def test_rtcp_is_passed_to_the_session_of_its_address_only(self) -> None:
        came: Deferred[bytes] = Deferred()
        other = self.socket()
        self.ports.listen(self.rtcp.getsockname(), came.callback)
        with pytest.raises(TooMany, match="another session"):
            self.ports.listen(self.rtcp.getsockname(), came.callback)
        port = (LOCAL, self.ports.numbers[1])
        other.sendto(b"of another", port)
        self.rtcp.sendto(b"report", port)
        came.addCallback(lambda data: self.assertEqual(data, b"report"))
        came.addCallback(lambda _: self.ports.forget(self.rtcp.getsockname()))
        came.addCallback(lambda _: self.assertFalse(self.ports.is_used))
        return came  # type: ignore[return-value]

    def test_no_free_ports_are_an_error(self) -> None:
        from twisted.internet.error import CannotListenError

        error = CannotListenError(LOCAL, 0, OSError(errno.EADDRINUSE, "in use"))
        with (
            patch.object(reactor, "listenUDP", side_effect=error),
            pytest.raises(TooMany, match="use TCP"),
        ):
            UdpPorts(reactor, LOCAL)
