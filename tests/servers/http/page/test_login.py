"""Logging in and out, by the form and by an address with a token."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from twisted.logger import capturedLogs, formatEvent

from tests.support.http_site import Connection, SiteCase, TokenSiteCase
from twistedcam.auth import Grant, TokenFile, authenticator
from twistedcam.auth.users import ROLES

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def header(browser: Connection, name: str) -> str | None:
    found = re.search(rf"^{name}: (.*)\r?$", browser.head, re.MULTILINE)
    return None if found is None else found[1].strip()


class LoginTests(TokenSiteCase):
    def connect(self) -> Connection:
        return Connection(self.factory, "192.0.2.9")

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Connection:
        browser = self.connect()
        self.status = browser.ask(method, path, body, **headers)
        return browser

    def log_in(self, token: str, **headers: str) -> Connection:
        return self.ask("POST", "/login", f"token={token}".encode(), **FORM, **PAGE, **headers)

    def cookie(self, browser: Connection) -> str:
        return (header(browser, "Set-Cookie") or "").partition(";")[0]

    def test_a_browser_gets_a_page_with_one_field_and_no_names(self) -> None:
        browser = self.ask("GET", "/", **PAGE)
        self.assertEqual(self.status, 401)
        self.assertEqual(header(browser, "WWW-Authenticate"), 'Bearer realm="twistedcam"')
        self.assertEqual(header(browser, "Cache-Control"), "no-store")
        page = browser.body.decode()
        self.assertRegex(page, '<input type="password" name="token" [^>]*"current-password"')
        self.assertIn('autocomplete="username"', page)
        self.assertNotIn('role="alert">The', page)
        for name in ("door", "yard"):
            self.assertNotIn(name, page)
        self.assertNotIn("unsafe", browser.head)
        self.assertNotRegex(page, r"<script(?![^>]*src=)|style=|https?://")
        self.ask("GET", "/login", **PAGE)
        self.assertEqual(self.status, 401)

    def test_programs_are_asked_for_a_token_as_ever(self) -> None:
        for path, headers in (("/", {"Accept": "*/*"}), ("/api/v1/cameras", PAGE)):
            browser = self.ask("GET", path, **headers)
            self.assertEqual(self.status, 401)
            self.assertEqual(
                header(browser, "WWW-Authenticate"), 'Basic realm="twistedcam", charset="UTF-8"'
            )

    def test_requests_of_a_page_make_the_browser_show_no_dialog(self) -> None:
        for sent in ({"Referer": "http://localhost/"}, {"Origin": "http://localhost"}):
            browser = self.ask("GET", "/api/v1/time", **sent)
            self.assertEqual(header(browser, "WWW-Authenticate"), 'Bearer realm="twistedcam"')

    def test_a_token_begins_a_session_that_opens_everything_that_it_allows(self) -> None:
        browser = self.log_in(self.tokens["guest"])
        self.assertEqual((self.status, header(browser, "Location")), (303, "./?login=1"))
        pair = self.cookie(browser)
        self.assertNotIn(self.tokens["guest"], pair)
        for path, status in (("/", 200), ("/snapshot/door", 200), ("/snapshot/yard", 403),
                             ("/events", 200), ("/metrics", 403)):  # fmt: skip
            browser = self.ask("GET", path, Cookie=pair, **PAGE)
            self.assertEqual(self.status, status, path)
            if path == "/":
                self.assertIn(b"door", browser.body)
                self.assertNotIn(b"yard", browser.body)
                self.assertEqual(self.cookie(browser), pair)  # the browser keeps it longer
            browser.channel.connectionLost()

    def test_a_wrong_token_is_said_on_the_page_and_makes_the_next_one_wait(self) -> None:
        with capturedLogs() as events:
            browser = self.log_in("<b>guess")
        self.assertEqual(self.status, 401)
        self.assertIn(b'role="alert">That token is wrong<', browser.body)
        text = " ".join(filter(None, map(formatEvent, events)))
        self.assertIn("that token is wrong", text)
        self.assertNotIn("guess", text)
        waiting = self.ask("POST", "/login", b"token=x", **FORM)
        self.assertEqual(self.status, 0)
        self.clock.advance(1)
        self.assertIn(b'"code": "unauthorized"', waiting.take())

    def test_a_token_that_may_not_see_the_page_begins_no_session(self) -> None:
        browser = self.log_in(self.tokens["source"])
        self.assertEqual(self.status, 403)
        self.assertIn(b"does not have the right to view", browser.body)
        self.assertEqual(self.server.logins.all(), [])

    def test_only_a_form_of_this_site_logs_in(self) -> None:
        token = self.tokens["boss"].encode()
        for body, headers, status in (
            (b'{"token": "x"}', {"Content-Type": "application/json"}, 400),
            (b"token=%ff", FORM, 400),
            (b"&".join([b"a=1"] * 11), FORM, 400),
            (b"token=" + token, FORM | {"Origin": "http://evil.example"}, 403),
            (b"token=" + token, FORM | {"Origin": "null"}, 403),
            (b"token=" + token, FORM | {"Sec-Fetch-Site": "cross-site"}, 403),
            (b"token=+" + token + b"+", FORM | {"Origin": "http://localhost"}, 303),
        ):
            self.ask("POST", "/login", body, **headers)
            self.assertEqual(self.status, status, (body, headers))
        self.assertEqual(len(self.server.logins.all()), 1)

    def test_each_login_has_a_new_secret_and_ends_the_one_before(self) -> None:
        first = self.cookie(self.log_in(self.tokens["boss"]))
        second = self.cookie(self.log_in(self.tokens["guest"], Cookie=first))
        self.assertNotEqual(first, second)
        self.ask("GET", "/state", Cookie=first)
        self.assertEqual(self.status, 401)
        chosen = first.partition("=")[0] + "=chosen-by-somebody-else"
        third = self.cookie(self.log_in(self.tokens["boss"], Cookie=chosen))
        self.assertNotEqual(third, chosen)

    def test_logging_out_ends_the_session_and_what_it_has_opened(self) -> None:
        pair = self.cookie(self.log_in(self.tokens["boss"]))
        stream = self.ask("GET", "/events?figures=1", Cookie=pair)
        self.assertIn(b'"login": true', stream.body)
        browser = self.ask("POST", "/logout", Cookie=pair)
        self.assertEqual((self.status, header(browser, "Location")), (303, "./"))
        self.assertIn("Max-Age=0", header(browser, "Set-Cookie") or "")
        self.assertTrue(stream.transport.disconnecting or stream.transport.aborted)
        self.ask("GET", "/state", Cookie=pair)
        self.assertEqual(self.status, 401)
        self.ask("POST", "/logout", Cookie=pair)
        self.assertEqual(self.status, 303)
        self.ask("GET", "/logout", Cookie=pair)
        self.assertEqual(self.status, 405)

    def test_an_address_with_a_token_logs_in_and_loses_the_token(self) -> None:
        token = self.tokens["boss"]
        browser = self.ask("GET", f"/?pictures=pull&token={token}&x=%26", **PAGE)
        self.assertEqual(self.status, 303)
        self.assertEqual(header(browser, "Location"), "./?login=1&pictures=pull&x=%26")
        self.ask("GET", "/", Cookie=self.cookie(browser), **PAGE)
        self.assertEqual(self.status, 200)
        browser = self.ask("GET", "/?token=wrong", **PAGE)
        self.assertIn(b"That token is wrong", browser.body)
        self.clock.advance(9)
        self.server.takes_token_in_url = False
        browser = self.ask("GET", f"/?token={token}", **PAGE)
        self.assertEqual(self.status, 401)
        self.assertIn(b"takes no token from an address", browser.body)

    def test_a_redirection_stays_on_this_server(self) -> None:
        path = f"/?token={self.tokens['boss']}&//evil.example/=1&next=%0d%0aX:1"
        location = header(self.ask("GET", path, **PAGE), "Location") or ""
        self.assertTrue(location.startswith("./?login=1&"), location)
        self.assertEqual(location, "./?login=1&%2F%2Fevil.example%2F=1&next=%0D%0AX%3A1")

    def test_the_page_asks_whether_its_cookie_counts(self) -> None:
        self.assertEqual(self.ask("GET", "/login").json, {"login": False})
        pair = self.cookie(self.log_in(self.tokens["boss"]))
        self.assertEqual(self.ask("GET", "/login", Cookie=pair).json, {"login": True})
        browser = self.ask("GET", "/login", Cookie=pair, **PAGE)
        self.assertEqual((self.status, header(browser, "Location")), (303, "./"))

    def test_an_operator_lists_and_ends_logins(self) -> None:
        pair = self.cookie(self.log_in(self.tokens["guest"], User_Agent="Safari"))
        operator = {"Authorization": f"Bearer {self.tokens['operator']}"}
        [login] = self.ask("GET", "/api/v1/logins", **operator).json["logins"]
        self.assertEqual((login["token"], login["browser"]), ("guest", "Safari"))
        self.assertEqual(login["address"], "192.0.2.9")
        self.assertNotIn(pair.partition("=")[2], str(login))
        self.ask("DELETE", f"/api/v1/logins/{login['id']}", **operator)
        self.assertEqual(self.status, 200)
        self.ask("GET", "/", Cookie=pair)
        self.assertEqual(self.status, 401)
        self.ask("DELETE", f"/api/v1/logins/{login['id']}", **operator)
        self.assertEqual(self.status, 404)


class UserTests(TokenSiteCase):
    def setUp(self) -> None:
        super().setUp()
        self.file = TokenFile(self.folder / "tokens.toml")
        self.file.add_user(Grant("anna", ROLES["control"]), "correct horse")

    def log_in(self, user: str, secret: str, host: str = "192.0.2.9") -> Connection:
        browser = Connection(self.factory, host)
        body = urlencode({"user": user, "token": secret}).encode()
        self.status = browser.ask("POST", "/login", body, **FORM, **PAGE)
        return browser

    def test_the_page_has_two_fields_and_takes_passwords_and_tokens(self) -> None:
        page = Connection(self.factory)
        page.ask("GET", "/", **PAGE)
        self.assertIn(
            b'<label>User<input type="text" name="user" autocomplete="username"', page.body
        )
        self.assertIn(b'<label>Password<input type="password" name="token"', page.body)
        self.assertEqual(page.body.count(b"autofocus"), 1)
        pair = (header(self.log_in(" anna", "correct horse"), "Set-Cookie") or "").split(";")[0]
        self.assertEqual(self.status, 303)
        browser = Connection(self.factory)
        for method, path, status in (("POST", "/api/v1/cameras/door/stop", 200),
                                     ("POST", "/api/v1/reload", 403)):  # fmt: skip
            self.assertEqual(browser.ask(method, path, Cookie=pair), status)
        self.assertIn("the user 'anna' does not have the right 'admin'", browser.json["message"])
        for user in ("", "anybody"):
            self.log_in(user, self.tokens["boss"])
            self.assertEqual(self.status, 303, user)
        self.file.set_password("anna", "battery staple")
        self.assertEqual(Connection(self.factory).ask("GET", "/state", Cookie=pair), 401)

    def test_a_wrong_password_and_an_unknown_name_are_told_alike_and_delay_the_next(self) -> None:
        for number, (user, secret) in enumerate(
            (("anna", "guess"), ("eve", "correct horse"), ("anna", "correct horse" * 99))
        ):
            browser = self.log_in(user, secret, f"192.0.2.{number}")
            self.assertEqual(self.status, 401)
            self.assertIn(b"That user name or password is wrong", browser.body)
        browser = self.log_in("anna", "correct horse", "192.0.2.0")
        self.assertEqual(self.status, 0)
        self.clock.advance(1)
        self.assertTrue(browser.take().startswith(b"HTTP/1.1 303 "))

    def test_nobody_logs_in_with_what_is_in_the_file(self) -> None:
        anna = self.file.read_all().users["anna"]
        for number, secret in enumerate((anna.password, anna.grant.digest)):
            for user in ("anna", ""):
                self.log_in(user, secret, f"198.51.100.{number}")
                self.assertEqual(self.status, 401)
                self.clock.advance(10)

    def test_too_many_passwords_at_once_are_refused(self) -> None:
        self.log_in("anna", "guess")
        self.patch(authenticator, "_MAX_CHECKS", 2)
        for _ in range(2):
            self.log_in("anna", "guess")
        browser = self.log_in("anna", "guess", "192.0.2.77")
        self.assertEqual(self.status, 503)
        self.assertIn(b"Too many passwords wait", browser.body)
        self.clock.pump([1] * 3)


class OpenSiteTests(SiteCase):
    def test_without_tokens_there_is_nothing_to_log_in_to(self) -> None:
        for method, path, body in (("GET", "/login", b""), ("POST", "/login", b"token=x")):
            browser = self.ask(method, path, body, **FORM, **PAGE)
            self.assertEqual((self.status, header(browser, "Location")), (303, "./"))
            self.assertIsNone(header(browser, "Set-Cookie"))
        self.assertEqual(self.ask("GET", "/?token=x", **PAGE).body[:15], b"<!doctype html>")
