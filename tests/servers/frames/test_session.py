"""The sessions of the frame port against a connection that a test plays, and the STATE message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import TINY_JPEG, FakeScheme, make_server
from twistedcam import Frame, wire
from twistedcam.delivery.sender import MAX_QUEUED
from twistedcam.errors import BadMessage, Busy
from twistedcam.servers.frames.publish_session import PublishSession
from twistedcam.servers.frames.session import state_of
from twistedcam.servers.frames.view_session import ViewSession
from twistedcam.sources.spec import SourceSpec, parse


class FakeConnection:
    """A connection that notes how it is ended."""

    def __init__(self) -> None:
        self.is_full = False
        self.peer = "here"
        self.transport: Any = StringTransport()
        self.ends: list[str] = []

    def dataReceived(self, data: bytes) -> None:
        raise AssertionError("nothing is sent")

    def readConnectionLost(self) -> None:
        self.ends.append("input")

    def resume(self) -> None:
        pass

    def abort(self, reason: str) -> None:
        self.ends.append(reason)

    def bye(self) -> None:
        self.ends.append("bye")

    def fail(self, error: Exception) -> None:
        self.ends.append(str(error))

    def messages(self) -> list[wire.Message]:
        data = self.transport.value()
        self.transport.clear()
        return list(wire.Decoder().feed(data))


class SessionCase(SynchronousTestCase):
    def setUp(self) -> None:
        scheme = FakeScheme()
        scheme.__enter__()
        self.addCleanup(scheme.__exit__)
        self.server = make_server(Clock(), Path("unused"))
        self.camera = self.server.add_camera("cam", SourceSpec("fake", "", {}, "fake:"))
        self.pushed = self.server.add_camera("in", parse("push:"))
        self.connection = FakeConnection()

    def frame(self, seq: int) -> Frame:
        return Frame(seq, seq * 33_333, 1, 1, TINY_JPEG)


class ViewSessionTests(SessionCase):
    def session(self, **options: Any) -> ViewSession:
        return ViewSession(self.connection, self.server, self.camera, wire.Join(**options))

    def test_a_state_comes_first_and_frames_after_the_start(self) -> None:
        self.camera.hub.publish(self.frame(1))
        session = self.session()
        [state] = self.connection.messages()
        self.assertEqual(state, state_of(self.camera, self.camera.changed()))
        session.start()
        self.assertEqual([type(each) for each in self.connection.messages()], [wire.FrameMessage])
        self.assertEqual(len(self.server.viewers), 1)
        session.close()
        self.assertEqual((len(self.server.viewers), len(self.camera.hub)), (0, 0))

    def test_messages_other_than_acks_are_refused(self) -> None:
        session = self.session()
        with self.assertRaisesRegex(BadMessage, "cannot send STATE"):
            session.received(wire.State("cam", "live"))
        session.close()

    def test_after_the_end_of_the_input_no_acks_are_expected(self) -> None:
        session = self.session(window=1)
        session.start()
        self.connection.messages()
        session.on_input_closed()
        for seq in (1, 2, 3):
            self.camera.hub.publish(self.frame(seq))
        self.assertEqual(len(self.connection.messages()), 3)
        session.close()

    def test_the_end_is_reported_when_everything_was_sent(self) -> None:
        session, done = self.session(), list[bool]()
        session.start()
        session.finish(lambda: done.append(True))
        self.assertEqual((done, len(self.server.viewers)), ([True], 0))


class PublishSessionTests(SessionCase):
    def session(self, camera: Any = None, **options: Any) -> PublishSession:
        join = wire.Join("publish", **options)
        return PublishSession(self.connection, self.server, camera or self.pushed, join)

    def test_frames_go_to_the_inbox_and_are_acknowledged(self) -> None:
        session = self.session()
        self.connection.messages()
        session.received(wire.FrameMessage(self.frame(5)))
        self.assertEqual(self.connection.messages(), [wire.Ack(5)])
        session.close()

    def test_without_a_window_nothing_is_acknowledged(self) -> None:
        session = self.session(window=0)
        self.connection.messages()
        session.received(wire.FrameMessage(self.frame(5)))
        self.assertEqual(self.connection.messages(), [])
        session.close()

    def test_a_camera_that_has_another_source_accepts_no_publisher(self) -> None:
        with self.assertRaisesRegex(BadMessage, "accepts no frames"):
            self.session(self.camera)

    def test_a_camera_has_one_publisher_at_a_time(self) -> None:
        first = self.session()
        self.assertRaises(Busy, self.session)
        first.close()
        self.session().close()

    def test_an_ack_and_other_messages_are_refused(self) -> None:
        session = self.session()
        self.assertRaises(BadMessage, session.acknowledge, 1)
        self.assertRaises(BadMessage, session.received, wire.Join())
        session.close()

    def test_a_publisher_that_does_not_read_is_disconnected(self) -> None:
        session = self.session()
        self.connection.is_full = True
        session.send_message(bytes(MAX_QUEUED))
        self.assertEqual(self.connection.ends, [])
        self.assertTrue(session.is_full())
        session.send_message(b"x")
        self.assertEqual(self.connection.ends, ["it does not read"])
        session.close()

    def test_the_end_of_the_input_ends_the_connection(self) -> None:
        session = self.session()
        session.on_input_closed()
        self.assertEqual(self.connection.ends, ["bye"])
        session.hold(True)
        self.assertEqual(self.connection.transport.producerState, "paused")
        session.finish(lambda: None)
