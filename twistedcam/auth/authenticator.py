"""Judges tokens for every port."""

from __future__ import annotations

import hmac
import os
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam import wire
from twistedcam.address import show_address
from twistedcam.auth.grant import ANYONE, Grant, Right
from twistedcam.auth.slowdown import Slowdown, source_of
from twistedcam.auth.tokens import Token, TokenFile, hash_of
from twistedcam.errors import BadArgument, Unauthorized

log = Logger()

#: Tokens that were right, with their addresses, that are remembered.
_MAX_KNOWN = 1024


class Authenticator:
    """Says what somebody may do.

    The file is read again when it has changed; one that is broken then changes nothing.

    Arguments:
        clock: what the slowing of wrong tokens is measured by.
        file: the tokens; None: there are none, and everybody may do everything.

    Raises:
        BadArgument: the file cannot be read, or is not what it has to be.
    """

    def __init__(self, clock: IReactorTime, file: TokenFile | None = None) -> None:
        self._file = file
        self._slowdown = Slowdown(clock)
        self._tokens: list[Token] = []
        self._seen: tuple[int, ...] = ()
        #: Who was right: one of these is not kept waiting by a neighbour who guesses.
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        if file is not None:
            self._seen = self._stamp()
            self._tokens = list(file.read().values())
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

    async def authorize(
        self, token: str | None, right: Right, camera: str | None, peer: Any
    ) -> Grant:
        """Judge a token and see that it has a right, in one.

        Arguments:
            camera: with which camera; None: with the server as a whole.

        Raises:
            Unauthorized: there is no token, or it is wrong.
            Forbidden: it is right, but has not that right.
        """
        grant = await self.by_token(token, peer)
        grant.require(right, camera)
        return grant

    async def _judge(self, is_it: Callable[[Token], bool], peer: Any) -> Grant:
        source = source_of(peer)
        grant = self._find(is_it)
        if grant is not None and (source, grant.name) in self._known:
            return grant
        if self._slowdown.is_slowed(source):
            try:
                await self._slowdown.turn(source)
            except Unauthorized as error:
                log.warn("{peer}: refused: {why}", peer=show_address(peer), why=str(error))
                raise
            grant = self._find(is_it)
        if grant is None:
            self._slowdown.failed(source)
            log.warn("{peer}: refused: a wrong token", peer=show_address(peer))
            raise Unauthorized("that token is wrong")
        self._known[source, grant.name] = None
        while len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)
        return grant

    def _find(self, is_it: Callable[[Token], bool]) -> Grant | None:
        """The grant of the token that it is; each is looked at, whether one was found or not."""
        self._read_again()
        found = None
        for token in self._tokens:
            if is_it(token):
                found = token.grant
        return found

    def _read_again(self) -> None:
        stamp = self._stamp()
        if self._file is None or stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._tokens = list(self._file.read().values())
        except BadArgument as error:
            log.error("the tokens stay what they were: {why}", why=str(error))
            return
        self._known.clear()
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
