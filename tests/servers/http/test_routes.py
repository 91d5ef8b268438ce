"""Tests of the routes: docs/http.md has each of them."""

from __future__ import annotations

import re

from tests.support.http_site import SiteCase
from tests.support.process import ROOT


class RouteTests(SiteCase):
    def test_the_document_lists_every_route_outside_the_api(self) -> None:
        text = (ROOT / "docs" / "http.md").read_text()
        documented = {path.rstrip("/.") for path in re.findall(r"[` ](/[a-z/.…-]*)", text)}
        for route in self.router.routes:
            path = re.sub(r"/?\{.*", "", route.path)
            if not route.path.startswith(("/api/", "/static", "/favicon")):
                self.assertIn(path.rstrip("/"), documented, route.path)

    def test_the_first_address_is_the_page_or_that_of_mjpg_streamer(self) -> None:
        for query, status, kind in (
            ("", 200, "text/html"),
            ("?action=snapshot", 200, "image/jpeg"),
            ("?action=stream", 200, "multipart/x-mixed-replace"),
            ("?action=take", 400, "application/json"),
        ):
            answer = self.ask("GET", f"/{query}")
            self.assertEqual(self.status, status, query)
            self.assertIn(f"Content-Type: {kind}", answer.head)
