"""A worker's answers to the server's messages, without a process."""

from __future__ import annotations

import os
import socket
from functools import cache
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.servers.rtsp.test_rtp_stream import packet as rtp_packet
from tests.servers.rtsp.test_rtp_stream import stream
from tests.support.system import require
from twistedcam.delivery.memfd import Memfd
from twistedcam.delivery.socket_state import HAS_SENDFILE
from twistedcam.delivery.workers.main import REPORT_PERIOD, DeliveryWorker
from twistedcam.media.packet import Packet
from twistedcam.rtsp.rtp_frame import datagram_file, rtp_frame


@cache
def made(seq: int) -> Packet:
    """A key frame with its RTP packets."""
    packet = rtp_packet(seq, 0, key=True)
    stream().make(packet)
    return packet


class StoppableClock(Clock):
    running = True

    def stop(self) -> None:
        self.running = False


class WorkerTests(SynchronousTestCase):
    def setUp(self) -> None:
        require(HAS_SENDFILE, "workers need Linux")
        self.clock = StoppableClock()
        self.worker = DeliveryWorker(self.clock, 3)
        self.sent: list[dict[str, Any]] = []
        self.patch(
            self.worker.channel,
            "send",
            lambda type, **more: self.sent.append({"type": type, **more}),
        )

    def receive(self, type: str, **more: Any) -> None:
        self.worker._received(self.worker.channel, {"type": type, **more})

    def test_it_greets_the_server_and_reports_at_intervals(self) -> None:
        self.worker.start()
        self.addCleanup(self.worker._reports.stop)
        self.addCleanup(self.worker._memory.stopService)
        self.assertEqual(self.sent, [{"type": "hello", "number": 3, "pid": os.getpid()}])
        self.clock.advance(REPORT_PERIOD)
        self.assertEqual(self.sent[1:], [{"type": "report", "viewers": {}, "tallies": []}])

    def test_each_frame_is_confirmed_and_its_file_becomes_the_newest(self) -> None:
        file = Memfd(b"data")
        self.receive("frame", feed=1, seq=5, time=99, key=True, fd=os.dup(file.fd))
        self.assertEqual(self.sent, [{"type": "frame_received", "feed": 1, "seq": 5}])
        newest = self.worker._hub(1).newest
        assert newest is not None
        self.assertEqual((newest.seq, newest.time_us), (5, 99))
        self.receive("clear", feed=1)
        self.assertIsNone(self.worker._hub(1).newest)

    def test_a_frame_without_its_file_is_confirmed_and_ignored(self) -> None:
        self.receive("frame", feed=1, seq=5, time=99, key=True, fd=None)
        self.assertEqual(len(self.sent), 1)
        self.assertIsNone(self.worker._hub(1).newest)

    def test_a_connection_without_its_file_is_refused(self) -> None:
        self.receive("view", id=7, feed=1, fd=None)
        self.assertEqual([each["type"] for each in self.sent], ["connection_received", "refused"])

    def test_messages_for_connections_that_are_gone_are_ignored(self) -> None:
        for type in ("message", "ack", "data_handled", "finish", "release", "abort"):
            self.receive(type, id=9, data="", seq=1)
        self.assertEqual(self.sent, [])

    def test_datagrams_are_sent_once_both_sockets_have_come(self) -> None:
        self.receive("hub", feed=1, groups=True)
        far = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for each in far:
            each.bind(("127.0.0.1", 0))
            each.settimeout(5)
            self.addCleanup(each.close)
        near = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        about = {"address": "here", "kind": "rtsp", "camera": "cam", "is_counted": True}
        about |= {"rtp": far[0].getsockname(), "rtcp": far[1].getsockname()}
        self.receive("rtcp_socket", id=7, fd=near[1].detach())
        self.receive("view_datagrams", id=7, feed=1, fd=near[0].detach(), **about)
        file = Memfd(datagram_file(made(1)))
        self.receive("frame", feed=1, seq=1, time=1, key=True, fd=os.dup(file.fd))
        self.assertEqual(far[0].recv(4096), made(1).shared(rtp_frame).packets[0])
        self.assertEqual(far[1].recv(4096), made(1).shared(rtp_frame).report)
        self.assertEqual(self.worker._connections[7].counts()[0], 1)
        self.receive("abort", id=7)
        self.assertEqual(self.sent[-1]["type"], "lost")
        self.assertEqual(self.worker._connections, {})
        self.receive("end", feed=1)
        self.assertEqual(self.worker._hubs, {})

    def test_datagrams_without_a_socket_are_refused(self) -> None:
        left, right = os.pipe()
        self.addCleanup(os.close, left)
        self.receive("rtcp_socket", id=7, fd=right)
        self.receive("view_datagrams", id=7, feed=1, fd=None)
        self.assertEqual([each["type"] for each in self.sent], ["connection_received", "refused"])
        self.assertRaises(OSError, os.fstat, right)

    def packet(self, seq: int, key: bool, has_file: bool = True) -> None:
        file = Memfd(b"data")
        fd = os.dup(file.fd) if has_file else None
        self.receive("frame", feed=1, seq=seq, time=seq, key=key, fd=fd)

    def test_packets_that_refer_to_others_are_kept_from_the_key_frame_on(self) -> None:
        self.receive("hub", feed=1, groups=True)
        for seq in (1, 2, 3):
            self.packet(seq, seq == 1)
        hub: Any = self.worker._hub(1)
        self.assertEqual(
            [(each.seq, each.is_keyframe, each.data) for each in hub.group][1:],
            [(2, False, b"data"), (3, False, b"data")],
        )
        self.receive("hub", feed=1, groups=False)
        self.packet(4, True)
        newest = self.worker._hub(1).newest
        assert newest is not None
        self.assertEqual(newest.seq, 4)

    def test_packets_after_one_without_its_file_wait_for_a_key_frame(self) -> None:
        self.receive("hub", feed=1, groups=True)
        self.packet(1, True)
        self.packet(2, False, has_file=False)
        self.assertEqual(self.sent[-1], {"type": "keyframe", "feed": 1})
        self.packet(3, False)
        hub: Any = self.worker._hub(1)
        self.assertEqual([each.seq for each in hub.group], [1])
        self.packet(4, True)
        self.packet(5, False)
        self.assertEqual([each.seq for each in hub.group], [4, 5])

    def test_it_stops_with_the_channel(self) -> None:
        self.worker.channel.connectionLost()
        self.assertFalse(self.clock.running)
