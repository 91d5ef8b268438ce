"""Checks tokens for every port."""

from __future__ import annotations

import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam import wire
from twistedcam.auth.grant import ANYONE, Grant
from twistedcam.auth.login_throttle import LoginThrottle
from twistedcam.auth.sessions import PERIOD, TokenSession, TokenSessions, expired
from twistedcam.auth.tokens import Token, TokenFile, hash_of
from twistedcam.auth.users import User, is_password
from twistedcam.errors import BadArgument, TooMany, Unauthorized
from twistedcam.net.addresses import source_of
from twistedcam.runtime.timer import Timer

log = Logger()

#: Pairs of address and valid token to remember.
_MAX_KNOWN = 1024
#: Passwords that wait for their check, or for their turn after wrong ones.
_MAX_CHECKS = 32


class Authenticator:
    """Maps a token to its grant.

    Reads the file again when it has changed. If the new file is invalid, the old tokens stay.

    Arguments:
        clock: the time for the delay of wrong tokens.
        file: the tokens; None: no tokens, everybody may do everything.
        wall: seconds since the UNIX epoch, to decide whether a token has expired.

    Raises:
        BadArgument: the file cannot be read or is invalid.
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
        #: The tokens by hash. Reading the file makes a new object.
        self._tokens: Mapping[str, Token] = {}
        self._users: Mapping[str, User] = {}
        #: The grants of tokens and users by their hashes.
        self._grants: Mapping[str, Grant] = {}
        self._checking = DeferredLock()
        self._checks = 0
        self._file_stamp: tuple[int, ...] = ()
        #: Address and token of valid logins. They do not wait for wrong tokens from that address.
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._sessions = TokenSessions(clock, wall, self._current_grants)
        #: The connections that were made while no token was needed.
        self._anonymous: set[TokenSession] = set()
        self._ending_anonymous = Timer(clock)
        if file is not None:
            self._begin(file)

    def begin(self, file: TokenFile) -> None:
        """Ask for tokens from now on. ``end_anonymous`` ends the connections that have none.

        Raises:
            BadArgument: the file cannot be read or is invalid; nothing has changed.
        """
        file.read_all()
        self._file = file
        self._begin(file)

    def end(self) -> None:
        """Ask for no tokens: take ``begin`` back."""
        self._file, self._file_stamp = None, ()
        self._tokens, self._users, self._grants = {}, {}, {}

    def end_anonymous(self) -> None:
        """End the connections that were made before tokens were needed, a second from now.

        Until then the client that has set the first password can receive its answer.
        """
        if self._anonymous:
            self._ending_anonymous.start(PERIOD, self._end_anonymous)

    def _end_anonymous(self) -> None:
        reason = Unauthorized("this server requires a token or a password now")
        for session in tuple(self._anonymous) if self.is_needed else ():
            session.end(reason)

    def _forget_anonymous(self, session: TokenSession) -> None:
        self._anonymous.discard(session)
        if not self._anonymous:
            self._ending_anonymous.cancel()

    def _begin(self, file: TokenFile) -> None:
        self._file_stamp = self._stamp()
        self._read(file)
        self._warn_of_mode(file)

    @property
    def is_needed(self) -> bool:
        """True if clients need a token."""
        return self._file is not None

    @property
    def takes_digest(self) -> bool:
        """True if Digest authentication is possible: all tokens for viewers are kept themselves."""
        viewing = [each for each in self._current().values() if "view" in each.grant.rights]
        return bool(viewing) and all(each.text is not None for each in viewing)

    async def by_token(self, token: str | None, peer: Any) -> Grant:
        """Return the grant of a token.

        Arguments:
            token: as the peer has sent it; None: it sent none.
            peer: the result of a transport's ``getPeer()``.

        Raises:
            Unauthorized: the token is missing, wrong or expired. After wrong tokens from the
                same address this takes longer.
        """
        if self._file is None:
            return ANYONE
        if token is None:
            raise Unauthorized("this server requires a token")
        digest = hash_of(token).encode()
        return await self._check(lambda each: hmac.compare_digest(each.hash.encode(), digest), peer)

    async def by_digest(self, matches: Callable[[str], bool], peer: Any) -> Grant:
        """Return the grant of a token that was proved by Digest authentication.

        Arguments:
            matches: returns True for the token of the answer. Only tokens are tried that the file
                has themselves.
            peer: the result of a transport's ``getPeer()``.

        Raises:
            Unauthorized: as by_token.
        """
        if self._file is None:
            return ANYONE
        return await self._check(lambda each: each.text is not None and matches(each.text), peer)

    async def by_mac(self, mac: str | None, role: str, nonce: str, peer: Any) -> Grant:
        """Return the grant of a token that was proved by the answer to the frame port's nonce.

        Raises:
            Unauthorized: as by_token.
        """
        if self._file is None:
            return ANYONE
        if mac is None:
            raise Unauthorized("this server requires a token: JOIN has no auth")
        return await self._check(lambda each: wire.mac_matches(mac, each.key, role, nonce), peer)

    @property
    def has_users(self) -> bool:
        """True if there are users with passwords."""
        return bool(self._current() is not None and self._users)

    async def by_password(
        self, name: str, password: str, peer: Any, in_thread: Callable[..., Deferred[bool]]
    ) -> Grant:
        """Return the grant of a user.

        Arguments:
            peer: the result of a transport's ``getPeer()``.
            in_thread: calls a function that blocks. One password is checked at a time.

        Raises:
            Unauthorized: the name or the password is wrong, or the user has expired. After wrong
                ones from the same address this takes longer.
            TooMany: too many wait for their check.
        """
        source = source_of(peer)
        if self._checks >= _MAX_CHECKS:
            raise TooMany("too many passwords wait for their check: try again")
        self._checks += 1
        try:
            if self._throttle.is_slowed(source):
                await self._throttle.wait_turn(source)
            async with self._checking:
                self._current()
                user = self._users.get(name)
                is_right = await in_thread(partial(is_password, user, password))
        finally:
            self._checks -= 1
        if user is None or not is_right:
            self._throttle.failed(source)
            raise Unauthorized("that user name or password is wrong")
        return self._unless_expired(user.grant)

    def open_session(
        self,
        grant: Grant,
        may_stay: Callable[[Grant], bool],
        on_end: Callable[[Unauthorized], None],
        login: str = "",
    ) -> TokenSession:
        """Watch a connection, to end it when its token expires, is removed or is restricted.

        A connection without a token ends when tokens are needed (``end_anonymous``).

        Arguments:
            grant: the token's grant, or ``ANYONE``.
            may_stay: returns True if the connection is still allowed with a changed grant.
            on_end: called with the reason, within seconds.
            login: the key of the login to the page that it belongs to.

        Returns: a session to close when the connection is lost.
        """
        if self._file is None:
            session = TokenSession(grant, may_stay, on_end, self._forget_anonymous)
            self._anonymous.add(session)
            return session
        return self._sessions.open(grant, may_stay, on_end, login)

    def end_login(self, login: str, reason: Unauthorized) -> None:
        """End the connections of a login to the page."""
        self._sessions.end_login(login, reason)

    def has(self, digest: str) -> bool:
        """True if a token has this hash."""
        return digest in self._current_grants()

    def grant_of(self, digest: str) -> Grant | None:
        """Return the current grant of the token with this hash; None if it was removed.

        Raises:
            Unauthorized: it has expired.
        """
        grant = self._current_grants().get(digest)
        return None if grant is None else self._unless_expired(grant)

    def digests_of(self, name: str) -> list[str]:
        """Return the hashes of the tokens of this name."""
        return [key for key, each in self._current_grants().items() if each.name == name]

    async def _check(self, matches: Callable[[Token], bool], peer: Any) -> Grant:
        source = source_of(peer)
        grant = self._find(matches)
        if grant is not None and (source, grant.digest) in self._known:
            return self._unless_expired(grant)
        if self._throttle.is_slowed(source):
            await self._throttle.wait_turn(source)
            grant = self._find(matches)
        if grant is None:
            self._throttle.failed(source)
            raise Unauthorized("that token is wrong")
        self._known[source, grant.digest] = None
        while len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)
        return self._unless_expired(grant)

    def _unless_expired(self, grant: Grant) -> Grant:
        """Return the grant. Raises Unauthorized if it has expired; that is not a wrong token."""
        if grant.has_expired(self._wall()):
            raise expired(grant)
        return grant

    def _find(self, matches: Callable[[Token], bool]) -> Grant | None:
        """Return the grant of the matching token. Checks all, so that its time tells nothing."""
        found = None
        for token in self._current().values():
            if matches(token):
                found = token.grant
        return found

    def _current(self) -> Mapping[str, Token]:
        """Return the current tokens of the file."""
        if self._file is not None:
            self._read_again()
        return self._tokens

    def _read_again(self) -> None:
        stamp = self._stamp()
        if self._file is None or stamp == self._file_stamp:
            return
        self._file_stamp = stamp
        try:
            self._read(self._file)
        except BadArgument as error:
            log.error("the tokens were not changed: {why}", why=str(error))
            return
        for key in [each for each in self._known if each[1] not in self._grants]:
            del self._known[key]
        log.info("the tokens were read again: {count} of them", count=len(self._tokens))

    def _read(self, file: TokenFile) -> None:
        found = file.read_all()
        self._tokens = {token.hash: token for token in found.tokens.values()}
        self._users = found.users
        users = {user.grant.digest: user.grant for user in found.users.values()}
        self._grants = {key: token.grant for key, token in self._tokens.items()} | users

    def _current_grants(self) -> Mapping[str, Grant]:
        """Return the current grants of the file."""
        self._current()
        return self._grants

    def _stamp(self) -> tuple[int, ...]:
        assert self._file is not None
        try:
            found = os.stat(self._file.path)
        except OSError:
            return ()
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def _warn_of_mode(self, file: TokenFile) -> None:
        if file.path.stat().st_mode & 0o007:
            log.warn(
                "{path} can be read by every user of this machine: use chmod o= on it",
                path=str(file.path),
            )
