"""Tests of the statistics that the page gets once a second."""

from __future__ import annotations

from tests.support.http_site import SiteCase
from twistedcam.events import CameraChanged


class LiveStatsTests(SiteCase):
    def test_statistics_are_sent_at_once_every_second_and_after_a_change(self) -> None:
        self.stats.startService()
        self.addCleanup(self.stats.stopService)
        connection = self.connect()
        connection.send(b"GET /events?figures=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        first = connection.take()
        self.assertIn(b"event: history", first)
        self.assertIn(b"event: figures", first)
        self.clock.advance(1)
        self.assertEqual(connection.take().count(b"event: figures"), 1)
        self.server.library._reading.progress = 3, 5
        self.clock.advance(1)
        self.assertIn(b'"reading_recordings": {"done": 3, "count": 5}', connection.take())
        self.server.library._reading.progress = None
        self.clock.advance(1)
        self.assertNotIn(b"reading_recordings", connection.take())
        self.server.events.publish(CameraChanged("yard", "starting"))
        self.clock.advance(0.05)
        self.assertEqual(connection.take().count(b"event: figures"), 1)
