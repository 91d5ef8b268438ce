"""The login of ONVIF clients: WS-UsernameToken, or Digest and Basic of HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorTime

from twistedcam.auth import Authenticator, Grant
from twistedcam.auth.password_login import PasswordLogin
from twistedcam.errors import Unauthorized
from twistedcam.net.addresses import source_of
from twistedcam.onvif.soap import SoapMessage, security_of
from twistedcam.onvif.username_token import UsedNonces, UsernameToken


class WrongUsernameToken(Unauthorized):
    """The WS-UsernameToken of a message is wrong."""


class OnvifLogin:
    """Finds the grant of a message: any user name, and a token as the password.

    Digests of WS-UsernameToken and of HTTP need the tokens themselves: they are possible with
    tokens of ``twistedcam token add --digest``.

    Arguments:
        authenticator: has the tokens.
        clock: measures the age of challenges.
        wall: seconds since the UNIX epoch.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        clock: IReactorTime,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._authenticator = authenticator
        self._http = PasswordLogin(authenticator, clock)
        self._wall = wall
        self._nonces = UsedNonces()

    def challenges(self, *, stale: bool = False) -> list[str]:
        """Return the values of the headers WWW-Authenticate of a refusal."""
        return self._http.challenges(stale=stale)

    async def grant(self, message: SoapMessage, header: str, peer: Any) -> Grant:
        """Return the grant of a message.

        Arguments:
            header: the HTTP header Authorization; empty if there is none.
            peer: the address of the client.

        Raises:
            WrongUsernameToken, Unauthorized: the login is missing or wrong.
        """
        found = security_of(message)
        if found is None or not self._authenticator.is_needed:
            return await self._http.grant(header, "POST", peer)
        try:
            token = UsernameToken.of(found)
        except ValueError as error:
            raise WrongUsernameToken(str(error)) from None
        try:
            return await self._by_token(token, peer)
        except Unauthorized as error:
            raise WrongUsernameToken(str(error)) from None

    async def _by_token(self, token: UsernameToken, peer: Any) -> Grant:
        if not token.is_digest:
            return await self._authenticator.by_token(token.password, peer)
        now = self._wall()
        if not token.is_timely(now):
            raise WrongUsernameToken(
                "the client's clock differs from this server's: set both by NTP"
            )
        grant = await self._authenticator.by_digest(token.matches, peer)
        if self._nonces.is_repeated(token, source_of(peer), now):
            raise WrongUsernameToken("this login was used by another client")
        return grant
