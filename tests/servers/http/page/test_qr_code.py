"""The QR codes of the page."""

from __future__ import annotations

import io

import cv2
import numpy as np
import segno

from tests.support.http_site import Connection, SiteCase, TokenSiteCase
from twistedcam.servers.http.page.qr_code import MAX_TEXT


class QrCodeTests(SiteCase):
    def test_it_is_that_of_the_text(self) -> None:
        text = "https%3A%2F%2F192.168.1.20%3A8443%2Fpublish%2Ffront%2520door"
        found = self.ask("GET", f"/qr.svg?text={text}")
        self.assertEqual(self.status, 200)
        self.assertIn("Content-Type: image/svg+xml", found.head)
        address = "https://192.168.1.20:8443/publish/front%20door"
        expected = io.BytesIO()
        code = segno.make(address, error="m", micro=False)
        code.save(expected, kind="svg", light="#fff", dark="#000", xmldecl=False, omitsize=True)
        self.assertEqual(found.body, expected.getvalue())
        picture = io.BytesIO()
        code.save(picture, kind="png", scale=8)
        image = cv2.imdecode(np.frombuffer(picture.getvalue(), np.uint8), cv2.IMREAD_COLOR)
        self.assertEqual(cv2.QRCodeDetector().detectAndDecode(image)[0], address)

    def test_a_text_that_is_missing_or_too_long_is_refused(self) -> None:
        for text in ("", "x" * (MAX_TEXT + 1)):
            self.ask("GET", f"/qr.svg?text={text}")
            self.assertEqual(self.status, 400)


class QrCodeAccessTests(TokenSiteCase):
    def test_it_is_for_those_who_see_the_page(self) -> None:
        statuses = {}
        for name in ("viewer", "guest", "source"):
            authorization = f"Bearer {self.tokens[name]}"
            connection = Connection(self.factory)
            statuses[name] = connection.ask("GET", "/qr.svg?text=x", Authorization=authorization)
        self.assertEqual(statuses, {"viewer": 200, "guest": 200, "source": 403})
