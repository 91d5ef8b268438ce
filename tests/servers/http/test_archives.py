"""Several recordings as one ZIP archive."""

from __future__ import annotations

import io
import json
import zipfile

from tests.support.fakes import TINY_JPEG
from tests.support.http_site import SiteCase
from tests.support.movies import entry
from twistedcam.servers.http import archives


class ArchiveTests(SiteCase):
    def setUp(self) -> None:
        super().setUp()
        for number in range(3):
            (self.server.recordings / f"{number}.mp4").write_bytes(b"film %d" % number)
        (self.server.recordings / "a.jpg").write_bytes(TINY_JPEG)

    def test_the_named_files_are_in_it(self) -> None:
        answer = self.ask("GET", "/recordings.zip?name=2.mp4&name=a.jpg&name=2.mp4")
        self.assertEqual(self.status, 200)
        self.assertIn("Content-Type: application/zip", answer.head)
        self.assertIn(f"Content-Length: {len(answer.body)}", answer.head)
        self.assertIn('attachment; filename="recordings_', answer.head)
        with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
            self.assertEqual(archive.namelist(), ["2.mp4", "a.jpg"])
            self.assertEqual(archive.read("2.mp4"), b"film 2")

    def test_a_long_list_is_sent_before(self) -> None:
        names = [f"{number}.mp4" for number in range(3)]
        answer = self.ask("POST", "/recordings.zip", json.dumps({"names": names}).encode())
        self.assertEqual((self.status, answer.json["files"]), (200, 3))
        size = answer.json["size"]
        answer = self.ask("GET", answer.json["address"])
        self.assertEqual((self.status, len(answer.body)), (200, size))

    def test_a_list_is_forgotten(self) -> None:
        body = json.dumps({"names": ["1.mp4"]}).encode()
        address = self.ask("POST", "/recordings.zip", body).json["address"]
        self.patch(archives, "_LIST_AGE", -1.0)
        self.assertIn("expired", self.ask("GET", address).json["message"])
        self.assertEqual(self.status, 404)

    def test_the_head_has_the_length(self) -> None:
        answer = self.ask("HEAD", "/recordings.zip?name=2.mp4")
        self.assertEqual((self.status, answer.body), (200, b""))
        self.assertRegex(answer.head, r"Content-Length: 1\d\d\b")

    def test_what_cannot_be_sent_is_refused_as_a_whole(self) -> None:
        writing = entry("now.mp4", 0, 5, complete=False)
        self.patch(self.server.library, "_being_written", lambda: [writing])
        for query, status in (
            ("", 400),
            ("?name=1.mp4&name=none.mp4", 404),
            ("?name=../1.mp4", 404),
            ("?name=now.mp4", 409),
            ("?list=guess", 404),
            ("?name=%ff", 400),
        ):
            self.ask("GET", f"/recordings.zip{query}")
            self.assertEqual(self.status, status, query)
        for body in (b"{}", b'{"names": []}', b'{"names": [1]}', b'{"names": "1.mp4"}'):
            self.ask("POST", "/recordings.zip", body)
            self.assertEqual(self.status, 400, body)
