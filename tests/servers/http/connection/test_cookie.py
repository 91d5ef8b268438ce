"""The cookie of a login: its attributes, and which requests it counts for."""

from __future__ import annotations

from tests.support.http_site import Connection, TokenSiteCase

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class CookieTests(TokenSiteCase):
    def connect(self, host: str = "192.0.2.9") -> Connection:
        return Connection(self.factory, host)

    def log_in(self, host: str = "192.0.2.9", **headers: str) -> str:
        """Return the value of Set-Cookie."""
        browser = self.connect(host)
        body = f"token={self.tokens['boss']}".encode()
        self.assertEqual(browser.ask("POST", "/login", body, **FORM, **headers), 303)
        [cookie] = [
            line.partition(": ")[2]
            for line in browser.head.split("\r\n")
            if line.startswith("Set-Cookie: ")
        ]
        return cookie

    def test_no_script_and_no_other_site_gets_the_cookie(self) -> None:
        pair, *attributes = self.log_in().split("; ")
        self.assertEqual(pair.partition("=")[0], f"twistedcam-{self.server.logins.server_id}")
        # Without Path: that is the page's own, below any prefix of a proxy.
        self.assertEqual(attributes, ["Max-Age=2592000", "HttpOnly", "SameSite=Strict"])

    def test_over_tls_the_cookie_is_for_tls_only(self) -> None:
        cookie = self.log_in("10.0.0.1", X_Forwarded_Proto="https", X_Forwarded_For="192.0.2.9")
        self.assertTrue(cookie.startswith("__Secure-twistedcam-"))
        self.assertTrue(cookie.endswith("; Secure"))
        pair = cookie.partition(";")[0]
        browser = self.connect("10.0.0.1")
        proxied = {"X-Forwarded-Proto": "https", "Cookie": pair}
        self.assertEqual(browser.ask("GET", "/api/v1/time", **proxied), 200)
        # The cookie of a page without TLS, which others may have set, does not count there.
        plain = pair.removeprefix("__Secure-")
        self.assertEqual(browser.ask("GET", "/api/v1/time", **proxied | {"Cookie": plain}), 401)

    def test_pages_of_other_ports_cannot_use_the_cookie(self) -> None:
        pair = self.log_in().partition(";")[0]
        for site, destination, status in (
            ("same-origin", "empty", 200),
            ("none", "document", 200),
            ("cross-site", "document", 200),  # a link that was followed
            ("same-site", "image", 401),
            ("same-site", "iframe", 401),
            ("cross-site", "empty", 401),
        ):
            fetch = {"Sec-Fetch-Site": site, "Sec-Fetch-Dest": destination}
            asked = self.connect().ask("GET", "/snapshot/door", Cookie=pair, **fetch)
            self.assertEqual(asked, status, (site, destination))

    def test_a_page_of_another_site_can_give_no_command(self) -> None:
        pair = self.log_in().partition(";")[0]
        path = "/api/v1/cameras/door/stop"
        for origin, status in (("http://localhost", 200), ("http://localhost:81", 403)):
            asked = self.connect().ask("POST", path, Cookie=pair, Origin=origin)
            self.assertEqual(asked, status, origin)

    def test_the_cookie_of_another_server_is_ignored(self) -> None:
        pair = self.log_in().partition(";")[0]
        both = f"twistedcam-00000000=x; {pair}"
        self.assertEqual(self.connect().ask("GET", "/state", Cookie=both), 200)
        other = "twistedcam-00000000=" + pair.partition("=")[2]
        self.assertEqual(self.connect().ask("GET", "/state", Cookie=other), 401)
