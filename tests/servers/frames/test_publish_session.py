"""The session of a publisher, on a connection that the test plays."""

from __future__ import annotations

from typing import Any

from tests.support.fakes import TINY_JPEG
from tests.support.films import h264_packets
from tests.support.frame_sessions import SessionCase
from twistedcam import Frame, wire
from twistedcam.delivery.sender import MAX_QUEUED
from twistedcam.errors import BadMessage, Busy, CameraFailed
from twistedcam.media.packet import Packet
from twistedcam.servers.frames import publish_session as module
from twistedcam.servers.frames.publish_session import KEYFRAME_PAUSE, PublishSession
from twistedcam.servers.frames.session import state_of


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

    def test_packets_go_to_the_inbox_in_order_from_a_key_frame_on(self) -> None:
        session = self.session()
        put: list[Packet] = []
        self.patch(self.pushed.inbox, "put", put.append)
        self.pushed.state = "live"
        self.connection.messages()
        packets = h264_packets([0, 0.1, 0.2])
        for each in (packets[1], *packets):
            session.received(wire.FrameMessage(each))
        self.assertEqual([each.data for each in put], [each.data for each in packets])
        self.assertEqual(len(self.connection.messages()), 4)
        session.close()

    def test_a_packet_that_is_no_access_unit_is_refused(self) -> None:
        session = self.session()
        track = h264_packets([0])[0].track
        with self.assertRaisesRegex(BadMessage, "start code"):
            session.received(wire.FrameMessage(Packet(track, 1, 1, 1, b"nothing")))
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

    def test_an_earlier_session_of_the_same_publisher_gives_its_place(self) -> None:
        first = self.session()
        join = wire.Join("publish")
        second = PublishSession(self.connection, self.server, self.pushed, join, first)
        first.close()
        self.assertRaises(Busy, self.session)
        second.close()
        self.session().close()

    def test_a_publisher_is_asked_for_key_frames_at_most_twice_a_second(self) -> None:
        session = self.session(keyframes=True)
        hub = self.pushed.stream.packets
        self.connection.messages()
        hub.request_keyframe()
        hub.request_keyframe()
        self.server.clock.advance(KEYFRAME_PAUSE - 0.1)
        hub.request_keyframe()
        self.assertEqual(self.connection.messages(), [wire.Keyframe()])
        self.server.clock.advance(0.1)
        hub.request_keyframe()
        self.assertEqual(self.connection.messages(), [wire.Keyframe()])
        session.close()
        self.server.clock.advance(1)
        hub.request_keyframe()
        self.assertEqual(self.connection.messages(), [])

    def test_a_publisher_that_does_not_know_them_is_not_asked(self) -> None:
        session = self.session()
        self.connection.messages()
        self.pushed.stream.packets.request_keyframe()
        self.assertEqual(self.connection.messages(), [])
        session.close()

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

    def test_a_change_of_the_camera_is_sent_as_a_state(self) -> None:
        session = self.session()
        [first] = self.connection.messages()
        self.assertEqual(first, state_of(self.pushed, self.pushed.changed()))
        for camera in (self.camera, self.pushed):
            self.server.events.publish(camera.changed())
        self.assertEqual(self.connection.messages(), [first])
        session.close()
        self.server.events.publish(self.pushed.changed())
        self.assertEqual(self.connection.messages(), [])

    def test_a_stopped_camera_takes_no_frame(self) -> None:
        self.pushed.start().addErrback(lambda _: None)
        session = self.session()
        session.received(wire.FrameMessage(self.frame(5)))
        picture = self.pushed.inbox.take()
        assert picture is not None
        self.assertEqual(picture.jpeg, TINY_JPEG)
        self.pushed.stop()
        session.received(wire.FrameMessage(self.frame(6)))
        self.assertIsNone(self.pushed.inbox.take())
        session.close()
        self.assertRaises(CameraFailed, self.pushed.inbox.take)

    def test_a_large_picture_is_checked_by_the_camera(self) -> None:
        broken = wire.FrameMessage(Frame(5, 1, 1, 1, TINY_JPEG + TINY_JPEG))
        session = self.session()
        self.assertRaises(BadMessage, session.received, broken)
        self.patch(module, "MAX_CHECKED_AT_ONCE", len(TINY_JPEG))
        self.pushed.start().addErrback(lambda _: None)
        session.received(broken)
        self.assertEqual(self.connection.ends, [])
        self.assertRaises(ValueError, self.pushed.inbox.take)
        self.pushed.inbox.tell_refusal()
        self.assertEqual(len(self.connection.ends), 1)
        self.assertIn("frame 5", self.connection.ends[0])
        session.close()
