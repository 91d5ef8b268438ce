"""A viewer whose connection a worker has, as the server sees it."""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import replace
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.packet_streams import (
    H264_TRACK,
    make_stream,
    packet,
    serialize_packet,
    show,
)
from tests.support.sockets import frame, serialize
from tests.support.system import require
from tests.support.worker_peers import Connection
from twistedcam.delivery.socket_state import HAS_SENDFILE
from twistedcam.delivery.workers.handle import WorkerHandle
from twistedcam.delivery.workers.remote_sender import RemoteSender
from twistedcam.events import EventBus
from twistedcam.media.frame import Frame
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Viewer, Viewers
from twistedcam.stream.wants import Wants


class WorkerChannel:
    """Keeps what a worker is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        #: What came with the last connection.
        self.first = ""

    def send(self, type: str, fd: int = -1, **values: Any) -> None:
        self.told.append(type)
        self.first = values.get("first", self.first)


class Unsendable(Frame):
    """A frame of which no message for viewers can be made."""

    def shared(self, make: Any) -> Any:
        raise RuntimeError("broken picture")


class RemoteSenderTests(SynchronousTestCase):
    """One viewer of one worker."""

    def setUp(self) -> None:
        require(HAS_SENDFILE, "workers need Linux")
        self.near, far = socket.socketpair()
        self.addCleanup(self.near.close)
        self.addCleanup(far.close)
        viewers = Viewers(EventBus(), Clock())
        self.viewer: Viewer = viewers.join("here", "tcp", "cam", "sendfile", lambda _: None)
        self.hub = Hub()
        self.link: Any = WorkerChannel()
        self.worker = WorkerHandle(1, 4711, self.link, viewers)
        self.connection = Connection(self.near)
        self.refused: list[bool] = []
        self.sender = RemoteSender(
            self.worker, self.connection, self.near, serialize, lambda: self.refused.append(True)
        )
        self.sender.subscribe(self.viewer, self.hub, None, 0)
        self.sender.start()
        self.addCleanup(self.sender.close)

    def joined(self) -> None:
        """The worker has the connection."""
        self.sender.open()
        self.worker.received({"type": "connection_received", "id": self.viewer.id})

    def test_without_a_file_descriptor_the_viewer_is_refused(self) -> None:
        def full(_: int) -> int:
            raise OSError(errno.EMFILE, "Too many open files")

        self.patch(os, "dup", full)
        self.sender.open()
        self.assertEqual(self.refused, [True])
        self.assertEqual(self.link.told, [])
        self.sender.send_message(b"too-many")
        self.assertEqual(self.connection.written, [b"too-many"])
        self.assertEqual(self.sender.offer(frame(1, 100)), 0)

    def test_messages_are_sent_by_the_process_that_has_the_connection(self) -> None:
        self.sender.acknowledge(1)
        self.sender.send_message(b"hello")
        self.joined()
        self.sender.send_message(b"more")
        self.sender.acknowledge(2)
        self.assertEqual(self.connection.written, [b"hello"])
        self.assertEqual(self.link.told, ["view", "message", "ack"])
        self.assertEqual(self.sender.unsent_bytes(), 0)

    def test_sound_starts_when_the_worker_has_the_connection(self) -> None:
        started: list[str] = []
        sound = Hub()
        sound.publish(packet(1, True))
        self.sender.subscribe_sound_hub(
            sound, serialize_packet, lambda: started.append(self.link.told[-1])
        )
        self.sender.send_message(b"the answer to PLAY")
        self.assertEqual(started, [], "others may take the packet that comes now")
        self.joined()
        self.assertEqual(started, ["listen"])
        self.assertEqual(self.link.told, ["view", "listen"], "no sound from before")
        sound.publish(packet(2, True))
        self.assertEqual(self.link.told[-1], "frame")

    def test_the_worker_gets_the_track_of_a_stream_with_the_connection(self) -> None:
        stream = make_stream()
        show(stream, [True, False])
        for _ in range(2):  # the first viewer of the feed, and the next one
            near, far = socket.socketpair()
            self.addCleanup(near.close)
            self.addCleanup(far.close)
            sender = RemoteSender(
                self.worker, Connection(near), near, serialize_packet, lambda: None
            )
            sender.subscribe_stream(
                *(self.viewer, stream, Wants(("h264",)), None, 0),
                on_track=lambda track, to=sender: to.send_message(track.codec.encode()),  # type: ignore[misc]
            )
            sender.start()
            sender.open()
            self.addCleanup(sender.close)
            self.assertEqual(self.link.first, "h264")
        self.assertNotIn("message", self.link.told)
        stream.publish(packet(3, True, replace(H264_TRACK, width=128)))
        self.assertEqual(self.link.told[-3:], ["message", "message", "frame"])

    def test_a_connection_whose_frames_begin_later_is_handed_over_then(self) -> None:
        near, far = socket.socketpair()
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        sender = RemoteSender(self.worker, Connection(near), near, serialize, lambda: None)
        sender.read_all(lambda data: None, lambda: None)
        sender.subscribe(self.viewer, self.hub, None, 0)
        sender.send_message(b"response")
        sender.resumeProducing()
        self.assertEqual(self.link.told, [])
        sender.start()
        self.assertEqual(self.link.told, ["view"])
        sender.close()

    def test_a_connection_comes_back_and_is_read_again(self) -> None:
        done: list[str] = []
        heard: list[bytes] = []
        self.sender.read_all(heard.append, lambda: done.append("closed"))
        self.joined()
        self.sender.release(lambda: done.append("released"))
        self.assertEqual((self.link.told[-1], done), ("release", []))
        self.sender.on_data(b"last")
        self.connection.calls.clear()
        counts = [1, 100, 0, 1, 1.0, False]
        self.worker.received({"type": "released", "id": self.viewer.id, "counts": counts})
        self.assertEqual((heard, done), ([b"last"], ["released"]))
        self.assertEqual(self.connection.calls, ["resumeProducing"])
        self.assertEqual((len(self.hub), self.worker.assigned), (0, set()))
        self.sender.on_lost()
        self.assertNotIn("loseConnection", self.connection.calls)

    def test_a_connection_that_is_lost_instead_of_released_is_closed(self) -> None:
        done: list[bool] = []
        self.joined()
        self.sender.release(lambda: done.append(True))
        self.sender.on_lost()
        self.assertEqual(done, [])
        self.assertIn("loseConnection", self.connection.calls)

    def test_an_internal_error_closes_the_connection(self) -> None:
        self.joined()
        self.hub.publish(Unsendable(1, 1000, 1, 1, b"jpeg"))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertIn("abortConnection", self.connection.calls)
        self.assertEqual(self.link.told[-2:], ["abort", "end"])

    def test_after_the_end_nothing_is_sent_to_the_worker(self) -> None:
        self.joined()
        self.hub.publish(frame(1, 100))
        self.sender.abort()
        before = list(self.link.told)
        self.sender.send_message(b"more")
        self.sender.on_lost()
        self.sender.stopProducing()
        self.hub.publish(frame(2, 100))
        self.assertEqual(self.link.told, before)
        self.assertIn("abortConnection", self.connection.calls)
        self.assertEqual(len(self.hub), 0)
        self.assertEqual(self.worker.connections, {})
