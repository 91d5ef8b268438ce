"""Basic and Digest authentication of RTSP, for client and server (RFC 2326, 14; RFC 7616).

A client answers with :class:`~twistedcam.net.http_login.Login`, which is the same for HTTP; this
module is the server's side.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import secrets
from base64 import b64decode
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from twistedcam.net.http_login import parse_challenges

#: Digest algorithms and their names in hashlib, the strongest first.
ALGORITHMS = {"SHA-256": "sha256", "MD5": "md5"}
#: Seconds for which a nonce is accepted.
NONCE_SECONDS = 300.0


@dataclass(frozen=True)
class Credentials:
    """The ``Authorization`` header of a request.

    Arguments:
        user: the name that was given.
        password: of Basic; None for Digest.
        parameters: of Digest; names in lower case.
    """

    user: str
    password: str | None = None
    parameters: dict[str, str] | None = None

    @property
    def nonce(self) -> str:
        """The nonce that was answered; empty for Basic."""
        return (self.parameters or {}).get("nonce", "")

    def match(self, password: str, method: str) -> bool:
        """Return True if they were made with this password.

        The time that it takes does not depend on how much of the password is right.

        Arguments:
            method: of the request that has them.
        """
        if self.password is not None:
            return hmac.compare_digest(self.password.encode(), password.encode())
        given = self.parameters or {}
        algorithm = given.get("algorithm", "MD5").upper()
        if algorithm.removesuffix("-SESS") not in ALGORITHMS:
            return False
        hashed = _hash(ALGORITHMS[algorithm.removesuffix("-SESS")])
        secret = hashed(f"{self.user}:{given.get('realm', '')}:{password}")
        if algorithm.endswith("-SESS"):
            secret = hashed(f"{secret}:{self.nonce}:{given.get('cnonce', '')}")
        words = [self.nonce]
        if quality := given.get("qop"):
            if quality != "auth":
                return False
            words += [given.get("nc", ""), given.get("cnonce", ""), quality]
        request = hashed(f"{method}:{given.get('uri', '')}")
        expected = hashed(":".join([secret, *words, request]))
        return hmac.compare_digest(expected.encode(), given.get("response", "").lower().encode())


def parse_credentials(header: str) -> Credentials | None:
    """Parse an ``Authorization`` header; None if it is of another kind, or broken."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() == "basic":
        try:
            text = b64decode(rest.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            return None
        user, colon, password = text.partition(":")
        return Credentials(user, password) if colon else None
    found = parse_challenges([header])
    if len(found) != 1 or found[0].scheme != "digest":
        return None
    given = found[0].parameters
    if not given.keys() >= {"username", "nonce", "uri", "response"}:
        return None
    return Credentials(given["username"], None, given)


class Challenger:
    """Makes the challenges of a server, and checks that answers belong to one of them.

    Nonces have their time and a signature in them, so that none is remembered.

    Arguments:
        realm: shown to the user.
        seconds: seconds of a monotonic clock.
        schemes: in the order in which they are offered, of ``SHA-256``, ``MD5`` and ``Basic``.
    """

    def __init__(
        self,
        realm: str,
        seconds: Callable[[], float],
        schemes: Iterable[str] = ("SHA-256", "MD5", "Basic"),
    ) -> None:
        self._realm = realm
        self._seconds = seconds
        self._schemes = tuple(schemes)
        self._key = secrets.token_bytes(32)

    def challenges(self, *, stale: bool = False) -> list[str]:
        """Return the values of the ``WWW-Authenticate`` headers of a refusal.

        Arguments:
            stale: the answer was right, and its nonce is too old.
        """
        found = []
        for scheme in self._schemes:
            if scheme == "Basic":
                found.append(f'Basic realm="{self._realm}"')
                continue
            # Without algorithm and qop a digest is that of RFC 2069, which every client can do.
            more = "" if scheme == "MD5" else f', algorithm={scheme}, qop="auth"'
            late = ", stale=true" if stale else ""
            found.append(f'Digest realm="{self._realm}", nonce="{self._nonce()}"{more}{late}')
        return found

    def is_ours(self, credentials: Credentials) -> bool:
        """True if the nonce was made here and the realm is this one; always for Basic."""
        if credentials.password is not None:
            return "Basic" in self._schemes
        parameters = credentials.parameters or {}
        algorithm = parameters.get("algorithm", "MD5").upper().removesuffix("-SESS")
        if algorithm not in self._schemes or parameters.get("realm") != self._realm:
            return False
        time, _, signature = credentials.nonce.partition(".")
        return hmac.compare_digest(signature.encode(), self._sign(time).encode())

    def is_stale(self, credentials: Credentials) -> bool:
        """True if the nonce, made here, is too old; never for Basic."""
        if credentials.password is not None:
            return False
        made = int(credentials.nonce.partition("-")[0], 16) / 1000
        return self._seconds() - made > NONCE_SECONDS

    def _nonce(self) -> str:
        time = f"{int(self._seconds() * 1000):x}-{secrets.token_hex(8)}"
        return f"{time}.{self._sign(time)}"

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(errors="replace"), "sha256").hexdigest()[:32]


def _hash(name: str) -> Callable[[str], str]:
    return lambda text: hashlib.new(
        name, text.encode(errors="surrogateescape"), usedforsecurity=False
    ).hexdigest()
