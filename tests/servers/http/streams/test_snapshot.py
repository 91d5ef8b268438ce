"""Tests of snapshots."""

from __future__ import annotations

from tests.support.http_site import SiteCase
from twistedcam.servers.http.streams import snapshot


class SnapshotTests(SiteCase):
    def test_a_snapshot_is_the_newest_frame_and_not_cached(self) -> None:
        self.show(2, b"\xff\xd8two\xff\xd9")
        for path in ("/snapshot", "/snapshot/door", "/?action=snapshot", "/?action=snapshot&n=9"):
            answer = self.ask("GET", path)
            self.assertEqual((self.status, answer.body), (200, b"\xff\xd8two\xff\xd9"))
            self.assertIn("Cache-Control: no-store", answer.head)
            self.assertIn("X-Timestamp: 1002.000000", answer.head)

    def test_without_a_frame_the_reason_is_returned(self) -> None:
        answer = self.ask("GET", "/snapshot/yard")
        self.assertEqual((self.status, answer.json["code"]), (503, "camera-failed"))
        self.assertIn("stopped", answer.json["message"])
        self.assertIn("Retry-After: 2", answer.head)

    def test_after_waits_for_a_newer_one(self) -> None:
        connection = self.connect()
        self.assertEqual(connection.ask("GET", "/snapshot/door?after=1"), 0)
        self.show(2)
        self.assertIn(b"X-Sequence: 2", connection.take())
        self.assertEqual(connection.ask("GET", "/snapshot/door?after=1"), 200)
        self.assertEqual(connection.ask("GET", "/snapshot/door?after=2"), 0)
        self.clock.advance(5)
        self.assertIn(b"204 No Content", connection.take())
        self.assertEqual(len(self.door.hub), 0)
        self.assertEqual(connection.ask("GET", "/snapshot/door?after=-1"), 400)

    def test_fresh_waits_for_a_frame_that_is_captured_after_the_request(self) -> None:
        self.patch(snapshot.time, "time", lambda: 1003.5)
        connection = self.connect()
        self.assertEqual(connection.ask("GET", "/snapshot/door?fresh=1"), 0)
        self.show(3)  # was on its way
        self.assertEqual(connection.take(), b"")
        self.show(4)
        self.assertIn(b"X-Sequence: 4", connection.take())
        self.assertEqual(len(self.door.hub), 0)

    def test_a_clock_that_is_slow_does_not_keep_fresh_waiting(self) -> None:
        connection = self.connect()
        self.assertEqual(connection.ask("GET", "/snapshot/door?fresh=1"), 0)
        for number in range(3, 7):
            self.assertEqual(connection.take(), b"")
            self.show(number)
        self.assertIn(b"X-Sequence: 6", connection.take())

    def test_fresh_is_an_error_if_no_frame_comes(self) -> None:
        connection = self.connect()
        self.assertEqual(connection.ask("GET", "/snapshot/door?fresh=1"), 0)
        self.clock.advance(5)
        self.assertIn(b"503 Service Unavailable", connection.take())
        self.assertEqual(connection.ask("GET", "/snapshot/yard?fresh=1"), 503)  # it is stopped
