"""The STATE message, and the interface of both sessions."""

from __future__ import annotations

from tests.support.frame_sessions import SessionCase
from tests.support.interfaces import missing_members
from twistedcam import wire
from twistedcam.events import CameraChanged
from twistedcam.servers.frames.publish_session import PublishSession
from twistedcam.servers.frames.session import FrameSession, state_of
from twistedcam.servers.frames.view_session import ViewSession


class StateTests(SessionCase):
    def test_a_state_has_the_change_and_the_title(self) -> None:
        self.camera.title = "Front door"
        change = CameraChanged("cam", "recovering", "it was unplugged", 640, 480, 25.0)
        self.assertEqual(
            state_of(self.camera, change),
            wire.State("cam", "recovering", 640, 480, 25.0, "it was unplugged", title="Front door"),
        )


def test_both_sessions_have_the_interface() -> None:
    assert missing_members(PublishSession, FrameSession) == []
    # The subscription's own method, set in the constructor, is the fastest.
    assert missing_members(ViewSession, FrameSession) == ["acknowledge"]
