"""Tests of /metrics."""

from __future__ import annotations

from tests.support.http_site import SiteCase
from twistedcam.publishing.target import parse_target

OPENMETRICS = "application/openmetrics-text"


class MetricsTests(SiteCase):
    def test_metrics_include_viewers_that_have_left(self) -> None:
        connection = self.connect()
        connection.send(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.show(2)
        connection.channel.connectionLost()
        text = self.ask("GET", "/metrics").body.decode()
        self.assertIn('twistedcam_frames_sent_total{camera="door",kind="http"} 2.0', text)
        self.assertIn('twistedcam_viewers{camera="door",kind="http"} 0.0', text)
        self.assertIn('twistedcam_delivery_age_seconds_count{camera="door",kind="http"} 2', text)
        self.assertIn('twistedcam_camera_state{camera="yard",state="stopped"} 1.0', text)

    def test_metrics_count_published_data(self) -> None:
        target = parse_target("rtmp://example.org/live/KEY")
        self.server.channels["door"].outputs.add([target])
        text = self.ask("GET", "/metrics").body.decode()
        for name in ("publish_up", "published_bytes_total", "publish_faults_total"):
            self.assertIn(f'twistedcam_{name}{{camera="door",target="rtmp"}} 0.0', text)
        self.assertNotIn("KEY", text)

    def test_an_invalid_version_gets_metrics_as_text(self) -> None:
        for kind in (OPENMETRICS, "text/plain"):
            answer = self.ask("GET", "/metrics", Accept=f"{kind};version=abc")
            self.assertEqual(self.status, 200, kind)
            self.assertIn("Content-Type: text/plain; version=0.0.4", answer.head)
        answer = self.ask("GET", "/metrics", Accept=f"{OPENMETRICS};version=1.0.0")
        self.assertIn(f"Content-Type: {OPENMETRICS}; version=1.0.0", answer.head)
