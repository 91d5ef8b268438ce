"""Log-ins to the page: each is a session that the browser continues with a cookie."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from twisted.logger import Logger

from twistedcam.auth.authenticator import Authenticator
from twistedcam.auth.grant import Grant
from twistedcam.errors import DiskError, NoSuchLogin, Unauthorized

log = Logger()

#: Seconds without a request after which a session has ended.
MAX_IDLE = 30 * 86400.0
#: Most sessions; beyond them the one that was not used for the longest time ends.
MAX_SESSIONS = 1000
#: Seconds after which the time of the last request is written again.
_WRITE_PERIOD = 3600.0
#: Characters of a browser's name.
_MAX_AGENT = 200
_VERSION = 1
_ID = re.compile("[0-9a-f]{8}")
_KEY = re.compile("[0-9a-f]{64}")


@dataclass(eq=False)
class LoginSession:
    """One log-in.

    Arguments:
        key: the SHA-256 of the cookie's secret, in hexadecimal. The secret itself is not kept.
        token: the name of the token, or of the user.
        digest: the hash of the token; another token of this name does not continue the session.
        created, used: seconds since the UNIX epoch: of the log-in, of the last request.
        address: the client's address at the log-in.
        agent: the browser's name (``User-Agent``).
    """

    key: str = field(repr=False)
    token: str
    digest: str = field(repr=False)
    created: float
    used: float
    address: str
    agent: str
    #: The time of the last request as it was written to the file.
    written: float = 0.0

    @property
    def id(self) -> str:
        """A short name for lists; the cookie cannot be found from it."""
        return self.key[:12]


class LoginSessions:
    """The sessions of a server, kept in a file over its restarts.

    The file has neither secrets of cookies nor hashes of tokens. Each session has an HMAC with the
    hash of its token as key, so that who can write the file cannot add a session.

    Arguments:
        authenticator: returns the authenticator that has the tokens.
        wall: seconds since the UNIX epoch.
        read: returns the contents of the file. Raises OSError if there is none.
        write: replaces the contents. Raises OSError or DiskError if that is not possible.
    """

    def __init__(
        self,
        authenticator: Callable[[], Authenticator],
        wall: Callable[[], float],
        read: Callable[[], bytes],
        write: Callable[[bytes], None],
    ) -> None:
        self._authenticator = authenticator
        self._wall = wall
        self._read_file = read
        self._write_file = write
        self._sessions: dict[str, LoginSession] | None = None
        self._server_id = secrets.token_hex(4)

    @property
    def server_id(self) -> str:
        """Eight digits for the cookie's name: all ports of a host share their cookies."""
        self._all()
        return self._server_id

    def start(self, grant: Grant, address: str, agent: str) -> str:
        """Begin a session and return the secret for its cookie.

        Arguments:
            grant: that of the token or the user.
            address: the client's address.
            agent: the browser's name.
        """
        sessions, now = self._all(), self._wall()
        secret = secrets.token_urlsafe(32)
        shown = "".join(each for each in agent if each.isprintable())[:_MAX_AGENT]
        key = _key_of(secret)
        sessions[key] = LoginSession(key, grant.name, grant.digest, now, now, address, shown)
        while len(sessions) > MAX_SESSIONS:
            self._drop(min(sessions.values(), key=lambda each: each.used))
        self._save()
        return secret

    def find(self, secret: str) -> tuple[LoginSession, Grant] | None:
        """Return the session of a cookie, and what its token allows now; None if it has ended.

        Raises:
            Unauthorized: the token has expired.
        """
        session = self._all().get(_key_of(secret))
        if session is None:
            return None
        now = self._wall()
        grant = self._authenticator().grant_of(session.digest)
        if grant is None or now - session.used > MAX_IDLE:
            self._drop(session)
            self._save()
            return None
        session.used = max(session.used, now)
        if now - session.written > _WRITE_PERIOD:
            self._save()
        return session, grant

    def grant_of(self, key: str) -> Grant | None:
        """Return what the token of a session allows now; None if the session has ended.

        Arguments:
            key: that of the session. This is no request: the session ends as if it was not made.
        """
        session = self._all().get(key)
        if session is None or self._wall() - session.used > MAX_IDLE:
            return None
        try:
            return self._authenticator().grant_of(session.digest)
        except Unauthorized:
            return None

    def all(self) -> list[LoginSession]:
        """Return all sessions, the last used first."""
        authenticator, now = self._authenticator(), self._wall()
        found = [
            each
            for each in self._all().values()
            if authenticator.has(each.digest) and now - each.used <= MAX_IDLE
        ]
        return sorted(found, key=lambda each: each.used, reverse=True)

    def named(self, id: str) -> LoginSession:
        """Return the session of that id.

        Raises:
            NoSuchLogin: there is none.
        """
        for each in self.all():
            if each.id == id:
                return each
        raise NoSuchLogin(f"there is no login {id!r}: 'logins' lists them")

    def end(self, session: LoginSession) -> None:
        """End a session, and the connections that it has opened."""
        self._drop(session)
        self._save()

    def _drop(self, session: LoginSession) -> None:
        self._all().pop(session.key, None)
        reason = Unauthorized(f"the login of {session.token!r} has ended")
        self._authenticator().end_login(session.key, reason)

    def _all(self) -> dict[str, LoginSession]:
        if self._sessions is None:
            self._sessions = self._read()
        return self._sessions

    def _read(self) -> dict[str, LoginSession]:
        try:
            saved = json.loads(self._read_file())
            if saved["version"] != _VERSION or not _ID.fullmatch(saved["id"]):
                raise ValueError("another version")
            found = [self._session(each) for each in saved["sessions"]]
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            log.warn("the logins to the page were not read: {why}", why=str(error))
            return {}
        self._server_id = saved["id"]
        return {each.key: each for each in found if each is not None}

    def _session(self, saved: dict[str, Any]) -> LoginSession | None:
        """Return a session of the file, or None if it does not belong to a token of today."""
        key, name = str(saved["key"]), str(saved["token"])
        created, used = float(saved["created"]), float(saved["used"])
        if not _KEY.fullmatch(key) or self._wall() - used > MAX_IDLE:
            return None
        for digest in self._authenticator().digests_of(name):
            if hmac.compare_digest(_mac(digest, key), str(saved["mac"])):
                now = self._wall()
                address, agent = str(saved["address"]), str(saved["agent"])
                return LoginSession(
                    key, name, digest, min(created, now), min(used, now), address, agent, used
                )
        return None

    def _save(self) -> None:
        sessions = self._all()
        saved = [
            {
                "key": each.key,
                "token": each.token,
                "mac": _mac(each.digest, each.key),
                "created": each.created,
                "used": each.used,
                "address": each.address,
                "agent": each.agent,
            }
            for each in sessions.values()
        ]
        for each in sessions.values():
            each.written = each.used
        document = {"version": _VERSION, "id": self._server_id, "sessions": saved}
        try:
            self._write_file(json.dumps(document, indent=1).encode())
        except (OSError, DiskError) as error:
            log.warn("the logins to the page end with this server: {why}", why=str(error))


def _key_of(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _mac(digest: str, key: str) -> str:
    return hmac.digest(bytes.fromhex(digest), b"twistedcam login " + key.encode(), "sha256").hex()
