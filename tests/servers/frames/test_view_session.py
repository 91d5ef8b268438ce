"""The session of a viewer, on a connection that the test plays."""

from __future__ import annotations

from typing import Any

from tests.support.frame_sessions import SessionCase
from twistedcam import wire
from twistedcam.delivery.sender import HIGH_WATER, MAX_QUEUED
from twistedcam.errors import BadMessage
from twistedcam.servers.frames.session import state_of
from twistedcam.servers.frames.view_session import ViewSession


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

    def test_a_change_of_the_camera_is_sent_as_a_state(self) -> None:
        session = self.session()
        self.connection.messages()
        for camera in (self.pushed, self.camera):
            self.server.events.publish(camera.changed())
        [state] = self.connection.messages()
        self.assertEqual(state, state_of(self.camera, self.camera.changed()))
        session.close()
        self.server.events.publish(self.camera.changed())
        self.assertEqual(self.connection.messages(), [])

    def test_a_controller_can_end_the_connection(self) -> None:
        session = self.session()
        [viewer] = self.server.viewers
        self.server.viewers.kick(viewer.id)
        self.assertEqual(self.connection.ends, ["bye"])
        session.close()

    def test_a_viewer_that_does_not_read_is_disconnected(self) -> None:
        session = self.session()
        queued = [0]
        self.patch(session._sender, "queued_bytes", lambda: queued[0])
        found = []
        for queued[0] in (HIGH_WATER, HIGH_WATER + 1, MAX_QUEUED):
            session.send_message(b"x")
            found.append(session.is_full())
        self.assertEqual((found, self.connection.ends), ([False, True, True], []))
        queued[0] = MAX_QUEUED + 1
        session.send_message(b"x")
        self.assertEqual(self.connection.ends, ["it does not read"])
        session.close()
