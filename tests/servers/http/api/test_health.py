"""Tests of /state and /healthz."""

from __future__ import annotations

from tests.support.http_site import SiteCase
from twistedcam.camera.state_machine import IDLE


class HealthTests(SiteCase):
    def test_state_has_the_keys_that_clients_of_ustreamer_read(self) -> None:
        result = self.ask("GET", "/state").json["result"]
        self.assertEqual(set(result["source"]["resolution"]), {"width", "height"})
        self.assertTrue(result["source"]["online"])
        self.assertLessEqual({"desired_fps", "captured_fps"}, set(result["source"]))
        self.assertEqual(set(result["encoder"]), {"type", "quality"})
        self.assertLessEqual({"queued_fps", "clients", "clients_stat"}, set(result["stream"]))
        self.assertFalse(self.ask("GET", "/state?camera=yard").json["result"]["source"]["online"])

    def test_health_depends_on_the_started_cameras(self) -> None:
        self.assertTrue(self.ask("GET", "/healthz").json["ok"])
        self.yard.state, self.yard.reason = "recovering", "it was unplugged"
        answer = self.ask("GET", "/healthz")
        self.assertEqual(self.status, 503)
        self.assertIn("yard: it was unplugged", answer.json["message"])

    def test_a_suspended_camera_is_healthy_and_counted_as_stopped(self) -> None:
        self.yard.set_state("stopped", IDLE, is_idle=True)
        self.assertTrue(self.ask("GET", "/healthz").json["ok"])
        text = self.ask("GET", "/metrics").body.decode()
        self.assertIn('twistedcam_camera_state{camera="yard",state="stopped"} 1.0', text)
        self.assertNotIn('state="idle"', text)
