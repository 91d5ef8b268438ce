"""A viewer by UDP in a worker."""

from __future__ import annotations

import os
import socket
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.servers.rtsp.test_rtp_stream import packet, stream
from tests.support.system import require
from twistedcam.delivery.memfd import as_sendable
from twistedcam.delivery.socket_state import HAS_SENDFILE
from twistedcam.delivery.workers.connection import received_file
from twistedcam.delivery.workers.datagrams import DatagramConnection, SharedSockets
from twistedcam.media.packet import Packet
from twistedcam.rtsp.rtp_frame import datagram_file, rtp_frame
from twistedcam.stream.hub import GroupHub, Hub
from twistedcam.stream.viewers import Tally

LOCAL = "127.0.0.1"


def udp_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((LOCAL, 0))
    made.settimeout(5)
    return made


class FakeWorker:
    def __init__(self) -> None:
        self.reactor = Clock()
        self.sockets = SharedSockets()
        self.tallied: list[str] = []
        self.lost_connections: list[Any] = []

    def tally(self, camera: str, kind: str) -> Tally:
        self.tallied.append(f"{camera} {kind}")
        return Tally()

    def lost(self, connection: Any) -> None:
        self.lost_connections.append(connection)


class SharedSocketsTests(SynchronousTestCase):
    def test_sockets_are_shared_and_closed_with_their_last_user(self) -> None:
        require(HAS_SENDFILE, "workers need Linux")
        rtp, rtcp = udp_socket(), udp_socket()
        self.addCleanup(rtp.close)
        self.addCleanup(rtcp.close)
        sockets = SharedSockets()
        first = [os.dup(each.fileno()) for each in (rtp, rtcp)]
        second = [os.dup(each.fileno()) for each in (rtp, rtcp)]
        key, pair = sockets.acquire(*first)
        self.assertEqual(sockets.acquire(*second), (key, pair))
        for fd in second:
            self.assertRaises(OSError, os.fstat, fd)
        sockets.release(key)
        self.assertEqual(pair.rtp.getsockname(), rtp.getsockname())
        sockets.release(key)
        for fd in first:
            self.assertRaises(OSError, os.fstat, fd)


class DatagramConnectionTests(SynchronousTestCase):
    def setUp(self) -> None:
        require(HAS_SENDFILE, "workers need Linux")
        self.worker = FakeWorker()
        self.hub: Any = GroupHub()
        self.rtp, self.rtcp = udp_socket(), udp_socket()
        self.addCleanup(self.rtp.close)
        self.addCleanup(self.rtcp.close)
        self.packets = stream()

    def opened(self, **more: Any) -> DatagramConnection:
        options = {"id": 7, "feed": 1, "address": "here", "kind": "rtsp", "camera": "cam"}
        options |= {"rtp": self.rtp.getsockname(), "rtcp": self.rtcp.getsockname()}
        options |= {"is_counted": True, **more}
        fds = udp_socket().detach(), udp_socket().detach()
        made = DatagramConnection(self.worker, self.hub, options, fds)
        self.addCleanup(made.abort)
        return made

    def show(self, seq: int, key: bool, size: int = 10) -> Packet:
        """Publish a packet as it comes to a worker; return the server's."""
        ours = packet(seq, seq * 40_000, b"\0\0\0\1\x65" + b"x" * size, key)
        self.packets.make(ours)
        theirs = Packet(ours.track, seq, ours.time_us, ours.pts, b"", key)
        theirs.share(as_sendable(received_file), datagram_file(ours))
        self.hub.publish(theirs)
        return ours

    def test_it_begins_with_the_newest_group(self) -> None:
        shown = [self.show(1, True, 3000), self.show(2, False)]
        connection = self.opened()
        for each in shown:
            for expected in each.shared(rtp_frame).packets:
                self.assertEqual(self.rtp.recv(65536), expected)
        self.assertEqual(self.rtcp.recv(65536), shown[0].shared(rtp_frame).report)
        self.assertEqual(connection.counts()[0], 2)
        self.assertEqual(self.worker.tallied, ["cam rtsp"])

    def test_sound_begins_with_the_next_packet_whose_report_it_has(self) -> None:
        self.hub = Hub()
        self.show(1, True)
        connection = self.opened(is_counted=False)
        self.packets.need_report()
        shown = self.show(2, True).shared(rtp_frame)
        self.assertEqual(self.rtp.recv(65536), shown.packets[0])
        self.assertEqual(self.rtcp.recv(65536), shown.report)
        connection.change_hub(Hub())
        self.assertEqual(len(self.hub), 0)

    def test_it_continues_with_another_hub(self) -> None:
        connection = self.opened()
        before, self.hub = self.hub, Hub()
        connection.change_hub(self.hub)
        self.assertEqual(len(before), 0)
        shown = self.show(1, True)
        self.assertEqual(self.rtp.recv(65536), shown.shared(rtp_frame).packets[0])

    def test_an_address_that_cannot_be_reached_ends_it_once(self) -> None:
        connection = self.opened(rtp=("255.255.255.255", 9), is_counted=False)
        self.show(1, True)
        self.assertEqual(self.worker.lost_connections, [connection])
        self.assertEqual(len(self.hub), 0)
        connection.abort()
        self.assertEqual(len(self.worker.lost_connections), 1)
        self.assertEqual(self.worker.tallied, [])
