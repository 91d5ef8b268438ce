"""The status of cameras and viewers."""

from __future__ import annotations

from tests.support.server_case import ServerCase
from twistedcam.commands.status_fields import camera_status, camera_summary, viewer_status


class StatusTests(ServerCase):
    def test_the_status_contains_the_summary(self) -> None:
        camera = self.server.cameras["door"]
        summary, status = camera_summary(self.server, camera), camera_status(self.server, camera)
        self.assertLessEqual(summary.items(), status.items())
        self.assertEqual((status["camera"], status["title"]), ("door", "door"))
        self.assertEqual((status["viewers"], status["recording"]), (0, None))
        self.assertIsNone(status["age_ms"])

    def test_viewers_are_counted_by_kind(self) -> None:
        for kind in ("tcp", "http", "http"):
            self.server.viewers.join("here", kind, "door", "write", lambda reason: None)
        status = camera_status(self.server, self.server.cameras["door"])
        counts = [status[key] for key in ("viewers", "viewers_tcp", "viewers_http")]
        self.assertEqual((counts, status["delivery"]), ([3, 1, 2], "write"))

    def test_a_viewer_without_a_picture_has_no_age(self) -> None:
        viewer = self.server.viewers.join("here", "tcp", "door", "write", lambda reason: None)
        self.clock.advance(2)
        status = viewer_status(viewer, self.clock.seconds())
        self.assertEqual((status["viewer"], status["camera"]), (viewer.id, "door"))
        self.assertEqual((status["age_ms"], status["seconds"]), (None, 2.0))
