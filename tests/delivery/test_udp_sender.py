"""Datagrams to one address, cut by the kernel where it can."""

from __future__ import annotations

import errno
import socket
from unittest import TestCase

import pytest

from tests.servers.rtsp.test_rtp_stream import packet, stream
from tests.support.process import PATIENCE
from twistedcam.delivery.udp_sender import DatagramSockets, UdpSender
from twistedcam.rtsp.rtp_frame import rtp_frame

LOCAL = "127.0.0.1"


class UdpSenderTests(TestCase):
    def setUp(self) -> None:
        self.near = self.socket(), self.socket()
        self.rtp, self.rtcp = self.socket(), self.socket()
        self.sockets = DatagramSockets(*self.near)
        self.aborted: list[bool] = []
        self.sender = UdpSender(
            self.sockets,
            self.rtp.getsockname(),
            self.rtcp.getsockname(),
            rtp_frame,
            lambda: self.aborted.append(True),
        )
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

    def test_a_picture_comes_in_its_datagrams_from_the_port_of_rtp(self) -> None:
        packets = self.big.shared(rtp_frame).packets
        assert self.sender.offer(self.big) == sum(map(len, packets))
        assert self.received(len(packets)) == packets
        self.sender.offer(self.big)
        assert self.rtp.recvfrom(65536)[1] == self.near[0].getsockname()
        report, source = self.rtcp.recvfrom(65536)
        assert report == self.big.shared(rtp_frame).report
        assert source == self.near[1].getsockname()

    def test_the_same_datagrams_come_where_the_kernel_does_not_cut_buffers(self) -> None:
        packets = self.big.shared(rtp_frame).packets

        class OldSocket:
            sendto = self.sockets.rtp.sendto

            def sendmsg(self, *_: object) -> int:
                raise OSError(errno.EINVAL, "no such option")

        self.sockets.rtp = OldSocket()  # type: ignore[assignment]
        for _ in range(2):
            assert self.sender.offer(self.big) == sum(map(len, packets))
            assert self.received(len(packets)) == packets
        assert not self.sockets.cuts_buffers

    def test_a_full_queue_loses_a_picture_and_another_error_is_told(self) -> None:
        class BadSocket:
            def __init__(self, number: int) -> None:
                self.number = number

            def sendmsg(self, *_: object) -> int:
                raise OSError(self.number, "x")

            sendto = sendmsg

        self.sockets.rtp = BadSocket(errno.EAGAIN)  # type: ignore[assignment]
        assert self.sender.offer(self.big) == 0
        self.sockets.rtp = BadSocket(errno.ENETUNREACH)  # type: ignore[assignment]
        with pytest.raises(OSError, match="x"):
            self.sender.offer(self.big)

    def test_a_closed_sender_sends_nothing(self) -> None:
        done: list[bool] = []
        self.sender.finish(lambda: done.append(True))
        assert (self.sender.offer(self.big), done) == (0, [True])

    def test_a_sender_is_aborted_once(self) -> None:
        self.sender.abort()
        self.sender.abort()
        assert self.aborted == [True]
        assert not self.sender.is_ready()
