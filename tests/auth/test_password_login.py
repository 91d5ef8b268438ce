"""Logins with a token as the password."""

from __future__ import annotations

import hashlib
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred

from tests.support.rtsp_peer import basic
from tests.support.server_case import VIEW, TokenCase
from twistedcam.auth import Authenticator, Grant, TokenFile
from twistedcam.auth.password_login import PasswordLogin, StaleNonce
from twistedcam.errors import Unauthorized
from twistedcam.rtsp.sdp import parse_parameters

PEER = IPv4Address("TCP", "127.0.0.1", 4711)


def digest(challenge: str, user: str, password: str, method: str = "DESCRIBE") -> str:
    """The answer to a challenge, as RFC 2069 says."""
    fields = {
        key: value.strip('", ')
        for key, _, value in (
            each.strip().partition("=") for each in challenge.partition(" ")[2].split(",")
        )
    }
    md5 = lambda text: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()  # noqa: E731
    one, two = md5(f"{user}:{fields['realm']}:{password}"), md5(f"{method}:rtsp://cam/door")
    answer = md5(f"{one}:{fields['nonce']}:{two}")
    return (
        f'Digest username="{user}", realm="{fields["realm"]}", nonce="{fields["nonce"]}", '
        f'uri="rtsp://cam/door", response="{answer}"'
    )


class LoginTests(TokenCase):
    def setUp(self) -> None:
        super().setUp()
        self.login = PasswordLogin(self.server.authenticator, self.clock)

    def grant(self, header: str) -> Any:
        done = Deferred.fromCoroutine(self.login.grant(header, "DESCRIBE", PEER))
        done.addErrback(lambda why: why.value)
        self.clock.pump([1] * 20)
        return self.successResultOf(done)

    def keep_tokens(self) -> str:
        """Open the server with one token that is kept itself; return it."""
        file = TokenFile(self.folder / "kept.toml")
        token = file.add(Grant("nvr", VIEW), keep=True)
        self.login = PasswordLogin(Authenticator(self.clock, file), self.clock)
        return token

    def test_basic_takes_a_token_with_any_user_name(self) -> None:
        for user in ("admin", "", "ü"):
            assert self.grant(basic(self.tokens["viewer"], user)).name == "viewer"
        for header in ("", "Basic !!", "Bearer x", basic("wrong")):
            assert isinstance(self.grant(header), Unauthorized)

    def test_digest_is_not_offered_where_only_hashes_are_known(self) -> None:
        assert self.login.challenges() == ['Basic realm="twistedcam"']
        wrong = self.grant(digest('Digest realm="twistedcam", nonce="1"', "x", "y"))
        assert "only the hashes" in str(wrong)

    def test_digest_takes_a_token_that_is_kept_with_any_user_name(self) -> None:
        token = self.keep_tokens()
        first, second = self.login.challenges()
        assert second.startswith("Basic") and parse_parameters(first[7:])
        for user in ("admin", "nvr"):
            assert self.grant(digest(first, user, token)).name == "nvr"
        assert isinstance(self.grant(digest(first, "nvr", "wrong")), Unauthorized)
        assert self.grant(basic(token)).name == "nvr"

    def test_an_old_challenge_is_stale_and_a_foreign_one_too(self) -> None:
        token = self.keep_tokens()
        challenge = self.login.challenges()[0]
        assert isinstance(
            self.grant(digest('Digest realm="twistedcam", nonce="1-2.3"', "x", token)), StaleNonce
        )
        self.clock.advance(400)
        assert isinstance(self.grant(digest(challenge, "x", token)), StaleNonce)
        assert "stale=true" in self.login.challenges(stale=True)[0]
