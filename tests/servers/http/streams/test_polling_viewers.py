"""Tests of viewers that poll for one picture after the other."""

from __future__ import annotations

from tests.support.http_site import SiteCase


class PollingViewerTests(SiteCase):
    def test_a_client_that_polls_is_a_viewer_until_it_stops(self) -> None:
        connection = self.connect()
        connection.ask("GET", "/snapshot/door?after=0&viewer=x")
        self.show(5)
        connection.ask("GET", "/snapshot/door?after=1&viewer=x")
        (viewer,) = self.server.viewers
        self.assertEqual((viewer.path, viewer.frames, viewer.drops), ("pull", 2, 3))
        self.clock.advance(6)
        self.assertEqual(len(self.server.viewers), 0)

    def test_a_polling_viewer_can_be_kicked(self) -> None:
        connection = self.connect()
        connection.ask("GET", "/snapshot/door?viewer=x")
        self.server.viewers.kick(next(iter(self.server.viewers)).id)
        self.assertEqual(connection.ask("GET", "/snapshot/door?viewer=x"), 403)
        self.assertEqual(len(self.server.viewers), 0)
        self.clock.advance(6)
        self.assertEqual(connection.ask("GET", "/snapshot/door?viewer=x"), 200)
        self.clock.advance(6)
