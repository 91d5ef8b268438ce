"""A viewer by UDP whose packets a worker sends, as the server sees it."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any
from unittest.mock import Mock

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.system import require
from twistedcam.delivery.socket_state import HAS_SENDFILE
from twistedcam.delivery.udp_sender import DatagramSockets
from twistedcam.delivery.workers.handle import WorkerHandle
from twistedcam.delivery.workers.remote_datagrams import RemoteDatagramSender
from twistedcam.events import EventBus
from twistedcam.stream.hub import GroupHub, Hub
from twistedcam.stream.viewers import Viewers


class RemoteDatagramTests(SynchronousTestCase):
    def setUp(self) -> None:
        require(HAS_SENDFILE, "workers need Linux")
        viewers = Viewers(EventBus(), Clock())
        self.viewer = viewers.join("here", "rtsp", "cam", "udp", lambda _: None)
        self.channel: Any = Mock()
        self.worker = WorkerHandle(1, 4711, self.channel, viewers)
        self.addCleanup(self.worker.lost)
        near = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for each in near:
            self.addCleanup(each.close)
        self.aborted: list[bool] = []
        self.hub = GroupHub()
        self.sender = RemoteDatagramSender(
            *(self.worker, DatagramSockets(*near), ("127.0.0.1", 4000), ("127.0.0.1", 4001)),
            on_abort=lambda: self.aborted.append(True),
        )

    def sent(self) -> list[str]:
        return [call.args[0] for call in self.channel.send.call_args_list]

    def test_the_worker_gets_the_sockets_and_the_addresses(self) -> None:
        self.sender.subscribe(self.viewer, self.hub)
        self.assertEqual(self.sent(), [])
        self.sender.start()
        self.assertEqual(self.sent(), ["hub", "rtcp_socket", "view_datagrams"])
        about = self.channel.send.call_args.kwargs
        self.assertEqual((about["rtp"], about["is_counted"]), (("127.0.0.1", 4000), True))
        self.sender.on_report(3, 300, 1, 99, 25.0, False)
        self.assertEqual((self.viewer.frames, self.viewer.bytes, self.viewer.drops), (3, 300, 1))
        self.assertEqual(self.worker.assigned, {self.sender})
        self.sender.close()
        self.sender.close()
        self.assertEqual(self.sent()[-2:], ["end", "abort"])
        self.assertEqual((self.worker.assigned, self.aborted), (set(), []))

    def test_sound_has_a_number_of_its_own_and_is_not_counted(self) -> None:
        self.sender.subscribe(self.viewer, Hub(), is_sound=True)
        self.sender.start()
        about = self.channel.send.call_args.kwargs
        self.assertEqual((about["id"], about["is_counted"]), (-self.viewer.id, False))
        self.sender.on_report(3, 300, 1, 99, 25.0, False)
        self.assertEqual(self.viewer.frames, 0)

    def test_a_worker_that_is_lost_or_full_ends_the_session(self) -> None:
        self.sender.subscribe(self.viewer, self.hub)
        self.sender.start()
        self.worker.lost()
        self.assertEqual(self.aborted, [True])
        self.assertEqual(len(self.hub), 0)

    def test_without_a_file_descriptor_the_session_ends(self) -> None:
        def full(_: int) -> int:
            raise OSError(errno.EMFILE, "Too many open files")

        self.sender.subscribe(self.viewer, self.hub)
        self.patch(os, "dup", full)
        self.sender.start()
        self.assertEqual((self.sent(), self.aborted), ([], [True]))
