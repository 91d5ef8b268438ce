"""The pictures of events on the HTTP port, within the rights of a token."""

from __future__ import annotations

import json

from tests.support.http_site import Connection, SiteCase, TokenSiteCase
from twistedcam.automation.event_store import StoredEvent

PATH = "/api/v1/events/a/snapshot"


class EventPictureTests(SiteCase):
    def setUp(self) -> None:
        super().setUp()
        self.store = self.server.automation.store
        self.store.add(StoredEvent("a", "yard", "motion", None, 100.0, 105.0))

    def test_the_picture_of_an_event_is_a_jpeg(self) -> None:
        connection = self.connect()
        self.assertEqual(connection.ask("GET", PATH), 404)
        self.assertEqual(json.loads(connection.body)["code"], "no-such-event")
        self.store.add_picture("a", b"\xff\xd8picture")
        self.assertEqual(connection.ask("GET", PATH), 200)
        self.assertEqual(connection.body, b"\xff\xd8picture")
        self.assertIn("Content-Type: image/jpeg", connection.head)

    def test_an_id_that_is_none_is_not_found(self) -> None:
        for id in ("b", "..%2Fevents.sqlite", "%2e%2e", "a%00"):
            self.assertEqual(self.connect().ask("GET", f"/api/v1/events/{id}/snapshot"), 404)

    def test_the_list_is_that_of_the_command(self) -> None:
        connection = self.connect()
        self.assertEqual(
            connection.ask("GET", "/api/v1/events?camera=yard&kind=motion&limit=5"), 200
        )
        [found] = json.loads(connection.body)["events"]
        self.assertEqual((found["id"], found["start"], found["end"]), ("a", 100.0, 105.0))
        self.assertEqual(connection.ask("GET", "/api/v1/events?limit=x"), 400)
        self.assertEqual(connection.ask("GET", "/api/v1/events?colour=x"), 400)


class TokenTests(TokenSiteCase):
    def test_a_token_for_another_camera_gets_no_picture(self) -> None:
        store = self.server.automation.store
        store.add(StoredEvent("a", "yard", "motion", None, 100.0, 105.0))
        store.add_picture("a", b"jpeg")
        statuses = {
            name: Connection(self.factory).ask(
                "GET", PATH, Authorization=f"Bearer {self.tokens[name]}"
            )
            for name in ("viewer", "neighbour", "guest", "source", "desk")
        }
        self.assertEqual(
            statuses, {"viewer": 200, "neighbour": 200, "guest": 404, "source": 403, "desk": 403}
        )
