"""Judges tokens for every port."""

from __future__ import annotations

import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam import wire
from twistedcam.auth.grant import ANYONE, Grant
from twistedcam.auth.login_throttle import LoginThrottle
from twistedcam.auth.sessions import TokenSession, TokenSessions, expired
from twistedcam.auth.tokens import Token, TokenFile, hash_of
from twistedcam.errors import BadArgument, Unauthorized
from twistedcam.net.addresses import source_of

log = Logger()

#: Addresses with the tokens that were right there, that are remembered.
_MAX_KNOWN = 1024


class Authenticator:
    """Says what somebody may do.

    The file is read again when it has changed; one that is broken then changes nothing.

    Arguments:
        clock: what the slowing of wrong tokens is measured by.
        file: the tokens; None: there are none, and everybody may do everything.
        wall: seconds since the UNIX epoch: what the end of a token is judged by.

    Raises:
        BadArgument: the file cannot be read, or is not what it has to be.
    """

    def __init__(
        self,
        clock: IReactorTime,
        file: TokenFile | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._file = file
        self._wall = wall
        self._throttle = LoginThrottle(clock)
        #: The tokens by their hashes; another object each time that the file was read.
        self._tokens: Mapping[str, Token] = {}
        self._seen: tuple[int, ...] = ()
        #: Who was right, by address and token: it is not kept waiting by a neighbour who guesses.
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._sessions = TokenSessions(clock, wall, self._current)
        if file is not None:
            self._seen = self._stamp()
            self._tokens = _by_hash(file)
            self._warn_of_mode(file)

    @property
    def is_needed(self) -> bool:
        """Whether there are tokens at all."""
        return self._file is not None

    async def by_token(self, token: str | None, peer: Any) -> Grant:
        """What a token opens.

        Arguments:
            token: as the peer has sent it; None: it sent none.
            peer: who: a transport's ``getPeer()``.

        Raises:
            Unauthorized: it opens nothing. Wrong tokens from the same address make this slow.
        """
        if self._file is None:
            return ANYONE
        if token is None:
            raise Unauthorized("this server wants a token")
        digest = hash_of(token).encode()
        return await self._judge(lambda each: hmac.compare_digest(each.hash.encode(), digest), peer)

    async def by_mac(self, mac: str | None, role: str, nonce: str, peer: Any) -> Grant:
        """What a token opens whose holder has answered the frame port's nonce.

        Raises:
            Unauthorized: as by_token.
        """
        if self._file is None:
            return ANYONE
        if mac is None:
            raise Unauthorized("this server wants a token: JOIN has no auth")
        return await self._judge(lambda each: wire.mac_matches(mac, each.key, role, nonce), peer)

    def open_session(
        self,
        grant: Grant,
        may_stay: Callable[[Grant], bool],
        on_end: Callable[[Unauthorized], None],
    ) -> TokenSession:
        """Have a connection ended when the token that has opened it ends, or is changed.

        Arguments:
            grant: what the token opened.
            may_stay: whether the connection is still allowed with what the token opens now.
            on_end: called with the reason, within seconds.

        Returns: to be closed when the connection is gone.
        """
        if self._file is None:
            return TokenSession(grant, may_stay, on_end)
        return self._sessions.open(grant, may_stay, on_end)

    async def _judge(self, is_it: Callable[[Token], bool], peer: Any) -> Grant:
        source = source_of(peer)
        grant = self._find(is_it)
        if grant is not None and (source, grant.digest) in self._known:
            return self._in_time(grant)
        if self._throttle.is_slowed(source):
            await self._throttle.wait_turn(source)
            grant = self._find(is_it)
        if grant is None:
            self._throttle.failed(source)
            raise Unauthorized("that token is wrong")
        self._known[source, grant.digest] = None
        while len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)
        return self._in_time(grant)

    def _in_time(self, grant: Grant) -> Grant:
        """The grant, unless its token has expired. That is no guess: it slows nobody down."""
        if grant.has_expired(self._wall()):
            raise expired(grant)
        return grant

    def _find(self, is_it: Callable[[Token], bool]) -> Grant | None:
        """The grant of the token that it is; each is looked at, whether one was found or not."""
        found = None
        for token in self._current().values():
            if is_it(token):
                found = token.grant
        return found

    def _current(self) -> Mapping[str, Token]:
        """The tokens as the file has them now."""
        self._read_again()
        return self._tokens

    def _read_again(self) -> None:
        stamp = self._stamp()
        if self._file is None or stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._tokens = _by_hash(self._file)
        except BadArgument as error:
            log.error("the tokens stay what they were: {why}", why=str(error))
            return
        for key in [each for each in self._known if each[1] not in self._tokens]:
            del self._known[key]
        log.info("the tokens were read again: {count} of them", count=len(self._tokens))

    def _stamp(self) -> tuple[int, ...]:
        assert self._file is not None
        try:
            found = os.stat(self._file.path)
        except OSError:
            return ()
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def _warn_of_mode(self, file: TokenFile) -> None:
        if file.path.stat().st_mode & 0o007:
            log.warn("{path} can be read by everybody here: chmod o= it", path=str(file.path))


def _by_hash(file: TokenFile) -> dict[str, Token]:
    return {token.hash: token for token in file.read().values()}
