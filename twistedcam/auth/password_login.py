"""Basic and Digest authentication: any user name, and a token as the password."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IReactorTime

from twistedcam.auth import Authenticator, Grant
from twistedcam.errors import Unauthorized
from twistedcam.rtsp.digest import Challenger, parse_credentials

REALM = "twistedcam"


class StaleNonce(Unauthorized):
    """The answer to a challenge that is too old, or that another server has made."""


class LoginChallenge(Unauthorized):
    """A login is missing or wrong.

    Arguments:
        reason: a sentence for people.
        challenges: the values of the headers WWW-Authenticate of the refusal.
    """

    def __init__(self, reason: str, challenges: list[str]) -> None:
        super().__init__(reason)
        self.challenges = challenges


class PasswordLogin:
    """Challenges clients, and finds the grant of an answer.

    Basic is always offered. Digest needs the tokens themselves, of which the file usually has only
    hashes: it is offered where the file has all tokens that viewers may use
    (``twistedcam token add --digest``), because clients prefer it.

    Arguments:
        authenticator: has the tokens.
        clock: measures the age of challenges.
    """

    def __init__(self, authenticator: Authenticator, clock: IReactorTime) -> None:
        self._authenticator = authenticator
        self._basic = Challenger(REALM, clock.seconds, ("Basic",))
        self._digest = Challenger(REALM, clock.seconds, ("MD5", "Basic"))

    def challenges(self, *, stale: bool = False) -> list[str]:
        """Return the values of the headers WWW-Authenticate of a refusal.

        Arguments:
            stale: True if only the client's nonce is too old.
        """
        return self._challenger.challenges(stale=stale)

    async def grant(self, header: str, method: str, peer: Any) -> Grant:
        """Return the grant of a request's header Authorization.

        Arguments:
            header: the value of the header; empty if there is none.
            method: the method of the request.
            peer: the result of the transport's ``getPeer()``.

        Raises:
            StaleNonce: the challenge that is answered is too old.
            Unauthorized: the token is missing, wrong or expired.
        """
        credentials = parse_credentials(header) if header else None
        if credentials is None:
            return await self._authenticator.by_token(None, peer)
        if credentials.password is not None:
            return await self._authenticator.by_token(credentials.password, peer)
        if not self._authenticator.takes_digest:
            raise Unauthorized(
                "Digest is not possible, because this server knows only the hashes of its tokens: "
                "log in by Basic, or make every token with the right view by "
                "'twistedcam token add NAME --right view --digest'"
            )
        if not self._digest.is_ours(credentials) or self._digest.is_stale(credentials):
            raise StaleNonce("the challenge that was answered is too old")
        return await self._authenticator.by_digest(
            lambda token: credentials.match(token, method), peer
        )

    @property
    def _challenger(self) -> Challenger:
        return self._digest if self._authenticator.takes_digest else self._basic
