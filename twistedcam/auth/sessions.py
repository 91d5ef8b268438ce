"""Ends connections when their tokens expire, are removed or are restricted."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.auth.expiry import as_local_time
from twistedcam.auth.grant import Grant
from twistedcam.errors import Unauthorized
from twistedcam.runtime.timer import Timer

log = Logger()

#: Seconds between two checks of the file of tokens and the clock, while a connection is open.
PERIOD = 1.0


class TokenSession:
    """A connection that is watched until its token ends. Call ``close`` when it is lost.

    Arguments:
        grant: the token's current grant.
        may_stay: returns True if the connection is still allowed with a changed grant.
        on_end: called with the reason if it is not.
        on_close: called once when this is closed.
        login: the key of the login to the page that the connection belongs to; empty: none.
    """

    __slots__ = ("_on_close", "grant", "is_missing", "login", "may_stay", "on_end")

    def __init__(
        self,
        grant: Grant,
        may_stay: Callable[[Grant], bool],
        on_end: Callable[[Unauthorized], None],
        on_close: Callable[[TokenSession], None] = lambda session: None,
        login: str = "",
    ) -> None:
        self.login = login
        self.grant = grant
        self.may_stay = may_stay
        self.on_end = on_end
        self._on_close = on_close
        #: True if the token was missing at the last check.
        self.is_missing = False

    def close(self) -> None:
        """Stop watching the connection. A second call does nothing."""
        self._on_close(self)

    def end(self, reason: Unauthorized) -> None:
        """Stop watching the connection, and end it. Raises nothing."""
        self.close()
        try:
            self.on_end(reason)
        except Exception:
            log.failure("a connection could not be ended: {reason}", reason=str(reason))


class TokenSessions:
    """Ends connections within seconds of the end of their tokens.

    Checks once in each PERIOD while there are connections. A token has to be missing in two
    checks in a row: a file that is written in place can be incomplete when it is read.

    Arguments:
        clock: the time of the period.
        wall: seconds since the UNIX epoch.
        tokens: returns the current grants of tokens and users, by their hashes.
    """

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        tokens: Callable[[], Mapping[str, Grant]],
    ) -> None:
        self._wall = wall
        self._tokens = tokens
        self._open: set[TokenSession] = set()
        self._timer = Timer(clock)
        #: The tokens and the time of the last check. While the tokens are the same, only the
        #: expiry times need a check.
        self._seen: Mapping[str, Grant] | None = None
        self._seen_at = 0.0
        self._is_doubtful = False

    def __len__(self) -> int:
        return len(self._open)

    def open(
        self,
        grant: Grant,
        may_stay: Callable[[Grant], bool],
        on_end: Callable[[Unauthorized], None],
        login: str = "",
    ) -> TokenSession:
        """Watch a connection that was authorised by this grant."""
        session = TokenSession(grant, may_stay, on_end, self._close, login)
        self._open.add(session)
        if not self._timer.is_pending:
            self._seen_at = self._wall()
            self._timer.start(PERIOD, self._look)
        return session

    def end_login(self, login: str, reason: Unauthorized) -> None:
        """End the connections of a login to the page."""
        for session in [each for each in self._open if each.login == login]:
            session.end(reason)

    def _close(self, session: TokenSession) -> None:
        self._open.discard(session)
        if not self._open:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer.start(PERIOD, self._look)
        tokens, now, before = self._tokens(), self._wall(), self._seen_at
        self._seen_at = now
        ends = (grant.expires for grant in tokens.values())
        one_ends = any(end is not None and before < end <= now for end in ends)
        if tokens is self._seen and not (self._is_doubtful or one_ends):
            return
        self._seen, self._is_doubtful = tokens, False
        for session in tuple(self._open):
            self._judge(session, tokens.get(session.grant.digest), now)

    def _judge(self, session: TokenSession, grant: Grant | None, now: float) -> None:
        if grant is not None and grant.has_expired(now):
            session.end(expired(grant))
        elif grant is not None and session.may_stay(grant):
            session.grant, session.is_missing = grant, False
        elif session.is_missing:
            what = "was removed" if grant is None else "no longer allows this"
            session.end(Unauthorized(f"{session.grant.owner} {what}"))
        else:
            session.is_missing = self._is_doubtful = True


def expired(grant: Grant) -> Unauthorized:
    """Return the error for an expired token."""
    when = "" if grant.expires is None else f": it was valid until {as_local_time(grant.expires)}"
    return Unauthorized(f"{grant.owner} has expired{when}")
