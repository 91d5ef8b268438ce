"""ONVIF clients log in by WS-UsernameToken, or by Digest or Basic of HTTP."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twistedcam.auth import Authenticator, Grant, TokenFile
from twistedcam.errors import Unauthorized
from twistedcam.onvif.soap import SoapMessage, envelope, parse_message
from twistedcam.onvif.username_token import security_header
from twistedcam.onvif.xml import Xml, element
from twistedcam.servers.onvif.login import OnvifLogin, WrongUsernameToken

NOW = 1.6e9
PEER, OTHER = (IPv4Address("TCP", host, 1) for host in ("192.0.2.1", "192.0.2.2"))


def message(header: Xml | None = None) -> SoapMessage:
    return parse_message(envelope(element("tds:GetScopes"), header))


class LoginTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        file = TokenFile(Path(folder.name) / "tokens.toml")
        self.known = file.add(Grant("nvr", frozenset({"view"})), keep=True)
        self.hashed = file.add(Grant("app", frozenset({"view"})))
        self.clock = Clock()
        self.login = OnvifLogin(Authenticator(self.clock, file), self.clock, lambda: NOW)

    def grant(self, header: Xml | None = None, http: str = "", peer: Any = PEER) -> Deferred[Grant]:
        return Deferred.fromCoroutine(self.login.grant(message(header), http, peer))

    def test_a_digest_needs_a_token_that_is_kept(self) -> None:
        found = self.grant(security_header("x", self.known, NOW))
        assert self.successResultOf(found).name == "nvr"
        found = self.grant(security_header("x", self.hashed, NOW))
        self.failureResultOf(found, WrongUsernameToken)

    def test_any_token_can_be_sent_itself(self) -> None:
        security = element(
            "Security",
            element("UsernameToken", element("Password", self.hashed)),
            xmlns="http://docs.oasis-open.org/wss/2004/01/"
            "oasis-200401-wss-wssecurity-secext-1.0.xsd",
        )
        assert self.successResultOf(self.grant(security)).name == "app"

    def test_late_and_repeated_logins_are_refused(self) -> None:
        self.failureResultOf(self.grant(security_header("x", self.known, NOW - 400)), Unauthorized)
        header = security_header("x", self.known, NOW)
        self.successResultOf(self.grant(header))
        why = self.failureResultOf(self.grant(header, peer=OTHER), WrongUsernameToken)
        assert "another client" in why.getErrorMessage()

    def test_wrong_tokens_make_an_address_wait(self) -> None:
        for _ in range(20):
            waiting = self.grant(security_header("x", "wrong", NOW))
            waiting.addErrback(lambda _: None)
        assert self.clock.getDelayedCalls()
        self.clock.pump([10] * 60)

    def test_without_a_login_there_is_a_challenge(self) -> None:
        self.failureResultOf(self.grant(), Unauthorized)
        assert self.login.challenges() == ['Basic realm="twistedcam"']  # not all tokens are kept
