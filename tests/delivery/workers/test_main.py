"""A worker's answers to the server's messages, without a process."""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.system import require
from twistedcam.delivery.memfd import Memfd
from twistedcam.delivery.socket_state import HAS_SENDFILE
from twistedcam.delivery.workers.main import REPORT_PERIOD, DeliveryWorker


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
        for type in ("message", "ack", "data_handled", "finish", "abort"):
            self.receive(type, id=9, data="", seq=1)
        self.assertEqual(self.sent, [])

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
