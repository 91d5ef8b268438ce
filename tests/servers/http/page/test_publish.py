"""The page that makes a device a camera, and the way to it by a login."""

from __future__ import annotations

import base64

from tests.support.http_site import Connection, SiteCase, TokenSiteCase
from twistedcam.sources.spec import parse

PAGE = "text/html,application/xhtml+xml,*/*;q=0.8"
FORM = {"Content_Type": "application/x-www-form-urlencoded", "Accept": PAGE}


class PublishPageTests(SiteCase):
    def setUp(self) -> None:
        super().setUp()
        self.server.add_camera("in", parse("push:?title=My%20phone"))

    def test_a_browser_gets_the_page_with_the_base_of_its_addresses(self) -> None:
        for path, base in (("/publish", "./"), ("/publish/in", "../"), ("/publish/in/", "../../")):
            page = self.ask("GET", path, Accept=PAGE)
            self.assertEqual(self.status, 200)
            self.assertIn(f'<base href="{base}">'.encode(), page.body)
            self.assertIn("camera=(self), microphone=(self)", page.head)
            self.assertIn("base-uri 'self'", page.head)

    def test_a_program_gets_the_cameras_that_take_pictures(self) -> None:
        one = {"camera": "in", "title": "My phone", "state": "stopped"}
        for path in ("/publish", "/publish/in"):
            self.assertEqual(self.ask("GET", path).json, {"cameras": [one]})
        for path, status in (("/publish/door", 409), ("/publish/nowhere", 404)):
            self.ask("GET", path)
            self.assertEqual(self.status, status)

    def test_the_other_page_may_not_use_cameras(self) -> None:
        self.assertIn("camera=(), microphone=()", self.ask("GET", "/", Accept=PAGE).head)


class PublishLoginTests(TokenSiteCase):
    def setUp(self) -> None:
        super().setUp()
        self.server.add_camera("in", parse("push:"))

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Connection:
        connection = Connection(self.factory, "192.0.2.9")
        self.status = connection.ask(method, path, body, **headers)
        return connection

    def location(self, connection: Connection) -> str:
        lines = [line for line in connection.head.split("\r\n") if line.startswith("Location: ")]
        return lines[0].removeprefix("Location: ") if lines else ""

    def test_a_login_leads_to_the_page(self) -> None:
        asked = self.ask("GET", "/publish/in", Accept=PAGE)
        self.assertEqual((self.status, self.location(asked)), (303, "../?to=publish%2Fin"))
        form = self.ask("GET", "/?to=publish%2Fin", Accept=PAGE)
        self.assertEqual(self.status, 401)
        self.assertIn(b'<input type="hidden" name="to" value="publish/in">', form.body)
        token = self.tokens["source"].encode()
        done = self.ask("POST", "/login", b"to=publish%2Fin&token=" + token, **FORM)
        self.assertEqual((self.status, self.location(done)), (303, "./?login=1&to=publish%2Fin"))
        cookie = done.head.partition("Set-Cookie: ")[2].partition(";")[0]
        onward = self.ask("GET", "/?login=1&to=publish%2Fin", Accept=PAGE, Cookie=cookie)
        self.assertEqual((self.status, self.location(onward)), (303, "./publish/in"))
        page = self.ask("GET", "/publish/in", Accept=PAGE, Cookie=cookie)
        self.assertEqual(self.status, 200)
        self.assertIn(b'<base href="../">', page.body)

    def test_an_address_with_a_token_logs_in(self) -> None:
        token = self.tokens["source"]
        for path, root in (("/publish/in", "../"), ("/publish", "./")):
            to = path[1:].replace("/", "%2F")
            moved = self.ask("GET", f"{path}?token={token}", Accept=PAGE)
            where = f"{root}?to={to}&token={token}"
            self.assertEqual((self.status, self.location(moved)), (303, where))
            self.assertNotIn("Set-Cookie", moved.head)  # it would be for /publish only
            done = self.ask("GET", f"/?to={to}&token={token}", Accept=PAGE)
            where = f"./?login=1&to={to}"
            self.assertEqual((self.status, self.location(done)), (303, where))
            self.assertIn("HttpOnly", done.head)

    def test_the_first_page_of_a_token_that_only_publishes_is_this_one(self) -> None:
        login = "Basic " + base64.b64encode(f"x:{self.tokens['source']}".encode()).decode()
        moved = self.ask("GET", "/", Accept=PAGE, Authorization=login)
        self.assertEqual((self.status, self.location(moved)), (303, "./publish"))
        self.ask("GET", "/", Authorization=login)  # a program
        self.assertEqual(self.status, 403)
        login = "Basic " + base64.b64encode(f"x:{self.tokens['viewer']}".encode()).decode()
        self.ask("GET", "/", Accept=PAGE, Authorization=login)
        self.assertEqual(self.status, 200)

    def test_a_login_leads_nowhere_else(self) -> None:
        token = self.tokens["viewer"].encode()
        for to in (b"https://evil.example", b"//evil.example", b"api", b"publish/in/x", b""):
            done = self.ask("POST", "/login", b"to=" + to + b"&token=" + token, **FORM)
            self.assertEqual((self.status, self.location(done)), (303, "./?login=1"))
        source = self.tokens["source"]
        login = f"Bearer {source}"
        moved = self.ask("GET", "/?to=elsewhere", Accept=PAGE, Authorization=login)
        self.assertEqual((self.status, self.location(moved)), (303, "./publish"))

    def test_a_token_needs_the_right_and_the_camera(self) -> None:
        for name, status in (("viewer", 403), ("operator", 403), ("source", 200)):
            authorization = f"Bearer {self.tokens[name]}"
            self.ask("GET", "/publish/in", Authorization=authorization)
            self.assertEqual(self.status, status, name)
        self.ask("GET", "/publish/in")
        self.assertEqual(self.status, 401)
        self.ask("GET", "/publish/in", Accept=PAGE, Upgrade="websocket", Connection="Upgrade")
        self.assertEqual(self.status, 401)
