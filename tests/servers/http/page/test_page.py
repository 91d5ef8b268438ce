"""Tests of the page's files: headers, cache, and the page without scripts."""

from __future__ import annotations

import gzip

from tests.support.http_site import SiteCase
from twistedcam.sources.spec import SourceSpec


class PageTests(SiteCase):
    def test_the_page_has_no_inline_scripts_and_loads_only_own_files(self) -> None:
        answer = self.ask("GET", "/")
        self.assertIn(
            "Content-Security-Policy: default-src 'none'; script-src 'self';", answer.head
        )
        self.assertNotIn("unsafe", answer.head)
        page = answer.body.decode()
        self.assertNotIn("style=", page)
        self.assertNotIn("http://", page)
        self.assertNotIn("https://", page)
        self.assertNotRegex(page, r"<script(?![^>]*src=)|\son\w+=")

    def test_files_are_validated_by_etag(self) -> None:
        answer = self.ask("GET", "/static/app.js")
        etag = next(line for line in answer.head.split("\r\n") if line.startswith("ETag"))
        self.ask("GET", "/static/app.js", If_None_Match=etag.split(": ")[1])
        self.assertEqual(self.status, 304)
        self.ask("GET", "/static/..%2fpage.py")
        self.assertEqual(self.status, 404)

    def test_files_are_compressed_for_those_who_take_it(self) -> None:
        plain = self.ask("GET", "/static/app.js")
        for accepted in ("gzip", "br, GZIP;q=0.5", "deflate, gzip ; q=0.001"):
            answer = self.ask("GET", "/static/app.js", Accept_Encoding=accepted)
            self.assertIn("Content-Encoding: gzip", answer.head, accepted)
            self.assertIn("Vary: Accept-Encoding", answer.head)
            self.assertEqual(gzip.decompress(answer.body), plain.body)
            self.assertLess(len(answer.body), len(plain.body) / 2)
        for refused in ("", "identity", "gzip;q=0", "br, gzip; Q=0.000", "xgzip"):
            answer = self.ask("GET", "/static/app.js", Accept_Encoding=refused)
            self.assertNotIn("Content-Encoding", answer.head, refused)
            self.assertIn("Vary: Accept-Encoding", answer.head)
            self.assertEqual(answer.body, plain.body)
        etag = next(line for line in plain.head.split("\r\n") if line.startswith("ETag"))[6:]
        for known in (etag, f"W/{etag}"):
            self.ask("GET", "/static/app.js", If_None_Match=known, Accept_Encoding="gzip")
            self.assertEqual(self.status, 304)
        # Names and tokens in the page are not compressed together with what a client sends.
        for path in ("/", "/static/icon-192.png"):
            answer = self.ask("GET", path, Accept_Encoding="gzip")
            self.assertNotIn("Content-Encoding", answer.head, path)

    def test_without_scripts_the_page_shows_every_camera(self) -> None:
        page = self.ask("GET", "/").body.decode()
        self.assertIn('<img src="stream/door"', page)
        self.assertIn('<img src="stream/yard"', page)
        self.assertNotIn("refresh", page)

    def test_without_scripts_more_cameras_than_connections_are_snapshots(
        self,
    ) -> None:
        for number in range(5):
            self.server.add_camera(f"c{number}", SourceSpec("fake", "", {}, "fake:"))
        page = self.ask("GET", "/").body.decode()
        self.assertEqual(page.count('<img src="snapshot/'), 7)
        self.assertNotIn('<img src="stream/', page)
        self.assertIn('<a href="stream/c4">', page)
        self.assertIn('<meta http-equiv="refresh"', page)

    def test_files_in_folders_are_sent_and_no_path_leads_out(self) -> None:
        answer = self.ask("GET", "/static/lib/dom.js")
        self.assertEqual(self.status, 200)
        self.assertIn("Content-Type: text/javascript", answer.head)
        for path in ("lib", "lib/", "lib/none.js", "lib/../app.js", "..%2fpage.py",
                     "%2e%2e/page.py", "../page.py", "..%2f..%2f/page.py", "lib/..%2f..%2fpage.py",
                     "none/dom.js", "lib%2fdom.js%00", "lib/%2e%2e/page.py"):  # fmt: skip
            self.ask("GET", f"/static/{path}")
            self.assertEqual(self.status, 404, path)
