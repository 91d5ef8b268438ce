"""Tests of snapshots."""

from __future__ import annotations

from tests.support.http_site import SiteCase


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
