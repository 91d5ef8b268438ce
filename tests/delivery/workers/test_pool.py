"""Workers that start, die, hang or have no files, with simulated processes."""

from __future__ import annotations

import errno
import json
import os
import socket
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import ProcessClock
from tests.support.sockets import frame, serialize
from tests.support.system import require
from tests.support.worker_peers import Connection
from twistedcam.delivery.socket_state import HAS_SENDFILE
from twistedcam.delivery.workers import pool
from twistedcam.delivery.workers.pool import END_TIMEOUT, RESTART_DELAY, WorkerPool
from twistedcam.delivery.workers.remote_sender import RemoteSender
from twistedcam.errors import BadArgument
from twistedcam.events import EventBus
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Viewers


class Machine(ProcessClock):
    """A reactor that starts no process and listens nowhere."""

    def listenUNIX(self, path: str, factory: Any) -> Machine:
        self.workers_come_to = factory
        return self

    def stopListening(self) -> None:
        pass


class PoolTests(SynchronousTestCase):
    def setUp(self) -> None:
        require(HAS_SENDFILE, "workers need Linux")
        self.machine = Machine()
        self.workers = WorkerPool(self.machine, Viewers(EventBus(), self.machine), 1)
        self.workers.start()

    def end(self) -> None:
        self.machine.processes[-1].processEnded(Failure(ProcessDone(None)))

    def test_a_worker_that_dies_is_started_again_until_the_pool_stops(self) -> None:
        self.end()
        self.assertEqual(len(self.machine.processes), 1)
        self.machine.advance(RESTART_DELAY)
        self.assertEqual(len(self.machine.processes), 2)
        self.end()
        self.successResultOf(Deferred.fromCoroutine(self.workers.stop()))
        self.assertEqual(self.machine.getDelayedCalls(), [])

    def test_without_a_running_worker_this_process_delivers(self) -> None:
        transport, heard = StringTransport(), list[bytes]()
        sender = self.workers.make_sender(transport, serialize, lambda: None, lambda: None)
        viewer = Viewers(EventBus(), self.machine).join("here", "tcp", "cam", "", lambda _: None)
        hub = Hub()
        watching = self.workers.subscribe(viewer, hub, sender, None)
        self.workers.read_from(sender, transport, heard.append)
        sender.open()
        watching.start()
        hub.publish(frame(1, 100))
        self.assertEqual(transport.value(), serialize(frame(1, 100)))
        watching.close()
        self.assertEqual(len(hub), 0)

    def test_a_system_without_sendfile_has_no_workers(self) -> None:
        self.patch(pool, "HAS_SENDFILE", False)
        with self.assertRaisesRegex(BadArgument, "needs Linux"):
            WorkerPool(self.machine, Viewers(EventBus(), self.machine), 1)

    def test_a_worker_that_does_not_end_is_killed(self) -> None:
        stopped = Deferred.fromCoroutine(self.workers.stop())
        self.machine.advance(END_TIMEOUT - 0.1)
        self.assertEqual(self.machine.signals, [])
        self.machine.advance(0.1)
        self.assertEqual(self.machine.signals, ["KILL"])
        self.assertNoResult(stopped)
        self.end()
        self.successResultOf(stopped)


class SpreadTests(SynchronousTestCase):
    """Viewers are spread over the workers as they come."""

    def setUp(self) -> None:
        require(HAS_SENDFILE, "workers need Linux")
        machine = Machine()
        self.viewers = Viewers(EventBus(), machine)
        self.workers = WorkerPool(machine, self.viewers, 2)
        self.workers.start()
        self.links = [machine.workers_come_to.buildProtocol(None) for _ in range(2)]
        for number, link in enumerate(self.links, 1):
            link.makeConnection(StringTransport())
            self.patch(link, "send", lambda *_, **__: None)
            hello = {"type": "hello", "number": number, "pid": number}
            link.lineReceived(json.dumps(hello).encode())

    def come(self) -> tuple[RemoteSender, Connection]:
        """One more viewer, whose connection is not handed over yet."""
        near, far = socket.socketpair()
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        connection = Connection(near)
        sender = self.workers.make_sender(connection, serialize, lambda: None, lambda: None)
        assert isinstance(sender, RemoteSender)
        self.addCleanup(sender.close)
        return sender, connection

    def spread(self) -> list[int]:
        """The number of viewers of each worker."""
        return [len(worker.assigned) for worker in self.workers._handles.values()]

    def test_viewers_are_spread_evenly(self) -> None:
        for _ in range(6):
            self.come()
        self.assertEqual(self.spread(), [3, 3])

    def test_a_viewer_that_leaves_before_it_is_handed_over_frees_its_place(self) -> None:
        first, _ = self.come()
        self.come()
        first.close()
        self.assertEqual(self.spread(), [0, 1])
        self.come()
        self.assertEqual(self.spread(), [1, 1])

    def test_a_viewer_that_cannot_be_handed_over_frees_its_place(self) -> None:
        def full(_: int) -> int:
            raise OSError(errno.EMFILE, "Too many open files")

        sender, _ = self.come()
        viewer = self.viewers.join("here", "tcp", "cam", "sendfile", lambda _: None)
        sender.subscribe(viewer, Hub(), None, 0)
        sender.start()
        self.patch(os, "dup", full)
        sender.open()
        self.assertEqual(self.spread(), [0, 0])

    def test_a_viewer_that_the_worker_refuses_or_that_leaves_it_frees_its_place(self) -> None:
        for type in ("refused", "lost"):
            sender, _ = self.come()
            viewer = self.viewers.join("here", "tcp", "cam", "sendfile", lambda _: None)
            sender.subscribe(viewer, Hub(), None, 0)
            sender.start()
            sender.open()
            self.assertEqual(self.spread(), [1, 0])
            message = {"type": type, "id": viewer.id, "counts": [0, 0, 0, 0, 0.0, False]}
            self.links[0].lineReceived(json.dumps(message).encode())
            self.assertEqual(self.spread(), [0, 0])
            self.links[0].lineReceived(
                json.dumps({"type": "connection_received", "id": viewer.id}).encode()
            )

    def test_viewers_of_a_dead_worker_are_closed_before_they_are_handed_over(self) -> None:
        _, connection = self.come()
        self.links[0].connectionLost()
        self.assertEqual(self.spread(), [0])
        self.assertEqual(connection.calls[-2:], ["unregisterProducer", "loseConnection"])
