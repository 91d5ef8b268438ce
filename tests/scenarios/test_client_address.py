"""Addresses of clients behind a trusted proxy, and of other clients."""

from __future__ import annotations

from twisted.logger import capturedLogs, formatEvent

from tests.support.http_site import Connection, TokenSiteCase
from twistedcam.auth.login_throttle import MAX_WAITING
from twistedcam.net.connection_limits import ConnectionLimits

PROXY, STRANGER = "10.0.0.1", "203.0.113.9"
GUESSER, CLIENT = "192.0.2.1", "192.0.2.2"


class ClientAddressTests(TokenSiteCase):
    def ask(
        self, path: str, client: str, token: str = "viewer", peer: str = PROXY, **more: str
    ) -> int:
        self.browser = Connection(self.factory, peer)
        given = f"Bearer {self.tokens.get(token, token)}"
        return self.browser.ask("GET", path, Authorization=given, X_Forwarded_For=client, **more)

    def test_wrong_tokens_of_one_client_do_not_delay_others(self) -> None:
        for _ in range(MAX_WAITING + 2):
            self.ask("/snapshot/door", GUESSER, "wrong")
        self.assertEqual(self.ask("/snapshot/door", GUESSER, "viewer"), 401)  # unjudged
        self.assertEqual(self.ask("/snapshot/door", CLIENT), 200)
        for _ in range(MAX_WAITING + 2):  # of one that is no proxy its own address counts
            self.ask("/snapshot/door", CLIENT, "wrong", peer=STRANGER)
        self.assertEqual(self.ask("/snapshot/door", "192.0.2.3", peer=STRANGER), 401)
        self.assertEqual(self.ask("/snapshot/door", CLIENT), 200)

    def test_connections_count_against_the_client_and_not_the_proxy(self) -> None:
        self.server.connection_limiter.limits = ConnectionLimits(per_address=2)
        open_ones = []
        for client, status in (
            (GUESSER, 200), (GUESSER, 200), (GUESSER, 503), (CLIENT, 200), (CLIENT, 200),
            (f"{CLIENT}, {GUESSER}", 503), (f"{GUESSER}, 192.0.2.3", 200),
        ):  # fmt: skip
            self.assertEqual(self.ask("/stream/door", client), status, client)
            open_ones.append(self.browser)
        for each in open_ones:
            each.channel.connectionLost()
        self.assertEqual(len(self.server.connection_limiter), 0)
        self.assertEqual(self.server.connection_limiter._by_source, {})
        statuses = [self.ask("/stream/door", CLIENT, peer=STRANGER) for _ in range(3)]
        self.assertEqual(statuses, [200, 200, 503])

    def test_an_invalid_client_address_counts_as_that_of_the_proxy(self) -> None:
        request = (
            b"GET /snapshot/door HTTP/1.1\r\nHost: localhost\r\n"
            b"Authorization: Bearer %s\r\nX-Forwarded-For: %s\r\n\r\n"
        )
        for odd in (b"\xff", b"192.0.2.1\xe9", b"\xc3\x28", b"", b"unknown", b"_hidden", b"[::1"):
            browser = Connection(self.factory, PROXY)
            browser.send(request % (self.tokens["viewer"].encode(), odd))
            self.assertTrue(browser.take().startswith(b"HTTP/1.1 200 "), odd)

    def test_one_connection_of_a_proxy_may_serve_several_clients(self) -> None:
        browser = Connection(self.factory, PROXY)
        token = f"Bearer {self.tokens['viewer']}"
        for client in (GUESSER, CLIENT, GUESSER):
            status = browser.ask(
                "GET", "/snapshot/door", Authorization=token, X_Forwarded_For=client
            )
            self.assertEqual(status, 200)
            self.assertEqual(list(self.server.connection_limiter._by_source), [client])
            self.assertEqual(browser.channel._job.source, client)

    def test_snapshots_are_counted_by_client(self) -> None:
        self.server.connection_limiter.limits = ConnectionLimits(snapshots=1)
        self.assertEqual(self.ask("/snapshot/door", GUESSER), 200)
        self.assertEqual(self.ask("/snapshot/door", GUESSER), 429)
        self.assertEqual(self.ask("/snapshot/door", CLIENT), 200)

    def test_viewers_and_the_log_have_the_client_s_address(self) -> None:
        with capturedLogs() as events:
            self.assertEqual(self.ask("/stream/door", f"1.2.3.4, {CLIENT}:4711"), 200)
            self.ask("/snapshot/door?viewer=x", CLIENT)
            self.assertEqual(self.ask("/stream/yard", GUESSER, "guest"), 403)
        self.assertEqual([each.address for each in self.server.viewers], [CLIENT, CLIENT])
        text = "\n".join(filter(None, map(formatEvent, events)))
        self.assertIn(f"{GUESSER}: refused: GET /stream/yard", text)
        self.assertNotIn(PROXY, text)
        self.clock.advance(10)

    def test_only_a_trusted_proxy_says_that_the_browser_uses_tls(self) -> None:
        wanted = {
            "Origin": "http://localhost",
            "Upgrade": "websocket",
            "X-Forwarded-Proto": "https",
        }
        for peer, status in ((PROXY, 403), (STRANGER, 400)):  # 400: it is no WebSocket's request
            self.assertEqual(self.ask("/live/door", CLIENT, peer=peer, **wanted), status)
