"""Packets over UDP, to the client's address and to no other."""

from __future__ import annotations

import errno
import socket
from typing import Any
from unittest.mock import patch

import pytest
from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred
from twisted.trial import unittest

from tests.servers.rtsp.test_rtp_stream import packet, stream
from tests.support.process import PATIENCE
from twistedcam.errors import TooMany
from twistedcam.servers.rtsp.rtp_stream import rtp_frame
from twistedcam.servers.rtsp.udp import UdpPorts, UdpSender

reactor: Any = installed_reactor
LOCAL = "127.0.0.1"


class UdpTests(unittest.TestCase):
    timeout = PATIENCE

    def setUp(self) -> None:
        self.ports = UdpPorts(reactor, LOCAL)
        self.addCleanup(self.ports.close)
        self.rtp, self.rtcp = self.socket(), self.socket()
        self.sender = UdpSender(self.ports, self.rtp.getsockname(), self.rtcp.getsockname())
        self.big = packet(1, 0, b"\0\0\0\1\x65" + bytes(range(1, 251)) * 80, key=True)
        stream().make(self.big)

    def socket(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((LOCAL, 0))
        made.settimeout(PATIENCE)
        self.addCleanup(made.close)
        return made

    def received(self, count: int) -> list[bytes]:
        return [self.rtp.recv(65536) for _ in range(count)]

    def test_the_ports_are_an_even_one_and_the_next(self) -> None:
        rtp, rtcp = self.ports.numbers
        assert (rtp % 2, rtcp) == (0, rtp + 1)

    def test_a_picture_comes_in_its_datagrams_from_the_port_of_rtp(self) -> None:
        packets = self.big.shared(rtp_frame).packets
        assert self.sender.offer(self.big) == sum(map(len, packets))
        assert self.received(len(packets)) == packets
        self.sender.offer(self.big)
        assert self.rtp.recvfrom(65536)[1] == (LOCAL, self.ports.numbers[0])
        report, source = self.rtcp.recvfrom(65536)
        assert report == self.big.shared(rtp_frame).report
        assert source == (LOCAL, self.ports.numbers[1])

    def test_the_same_datagrams_come_where_the_kernel_does_not_cut_buffers(self) -> None:
        packets = self.big.shared(rtp_frame).packets

        class OldSocket:
            sendto = self.ports.socket.sendto

            def sendmsg(self, *_: object) -> int:
                raise OSError(errno.EINVAL, "no such option")

        self.sender._socket = OldSocket()  # type: ignore[assignment]
        for _ in range(2):
            assert self.sender.offer(self.big) == sum(map(len, packets))
            assert self.received(len(packets)) == packets
        assert not self.ports.cuts_buffers

    def test_a_full_queue_loses_a_picture_and_another_error_is_told(self) -> None:
        class BadSocket:
            def __init__(self, number: int) -> None:
                self.number = number

            def sendmsg(self, *_: object) -> int:
                raise OSError(self.number, "x")

            sendto = sendmsg

        self.sender._socket = BadSocket(errno.EAGAIN)  # type: ignore[assignment]
        assert self.sender.offer(self.big) == 0
        self.sender._socket = BadSocket(errno.ENETUNREACH)  # type: ignore[assignment]
        with pytest.raises(OSError, match="x"):
            self.sender.offer(self.big)

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

    def test_a_closed_sender_sends_nothing(self) -> None:
        done: list[bool] = []
        self.sender.finish(lambda: done.append(True))
        assert (self.sender.offer(self.big), done) == (0, [True])

    def test_no_free_ports_are_an_error(self) -> None:
        from twisted.internet.error import CannotListenError

        error = CannotListenError(LOCAL, 0, OSError(errno.EADDRINUSE, "in use"))
        with (
            patch.object(reactor, "listenUDP", side_effect=error),
            pytest.raises(TooMany, match="use TCP"),
        ):
            UdpPorts(reactor, LOCAL)
