"""WS-UsernameToken (OASIS Web Services Security UsernameToken Profile 1.0)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from twistedcam.onvif.xml import Xml, child, element, text

#: The most seconds between the clocks of client and server.
MAX_DIFFERENCE = 300.0
#: The most nonces to remember.
_MAX_NONCES = 4096
_PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_SECURITY = f"{_PROFILE}wssecurity-secext-1.0.xsd"
_UTILITY = f"{_PROFILE}wssecurity-utility-1.0.xsd"
_DIGEST = f"{_PROFILE}username-token-profile-1.0#PasswordDigest"
_BASE64 = f"{_PROFILE}soap-message-security-1.0#Base64Binary"


@dataclass(frozen=True)
class UsernameToken:
    """The login of a message.

    Arguments:
        user: the name.
        password: the password itself, or its digest.
        is_digest: True if it is the digest.
        nonce: decoded; empty without a digest.
        created: as it was sent.
    """

    user: str
    password: str
    is_digest: bool
    nonce: bytes = b""
    created: str = ""

    @classmethod
    def of(cls, found: Element) -> UsernameToken:
        """Parse the element.

        Raises:
            ValueError: the nonce is not Base64.
        """
        password = child(found, "Password")
        kind = "" if password is None else password.get("Type", "")
        try:
            nonce = base64.b64decode(text(found, "Nonce"), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("the nonce is not Base64") from None
        return cls(
            text(found, "Username"),
            text(found, "Password"),
            kind.endswith("PasswordDigest"),
            nonce,
            text(found, "Created"),
        )

    def matches(self, password: str) -> bool:
        """True if it was made with this password. The time that it takes tells nothing."""
        expected = _digest(self.nonce, self.created, password) if self.is_digest else password
        return hmac.compare_digest(expected.encode(), self.password.encode(errors="replace"))

    def is_timely(self, now: float) -> bool:
        """True if it was made about now.

        Arguments:
            now: UNIX seconds.
        """
        try:
            made = datetime.fromisoformat(self.created)
        except ValueError:
            return False
        made = made.replace(tzinfo=UTC) if made.tzinfo is None else made
        return abs(made.timestamp() - now) <= MAX_DIFFERENCE


class UsedNonces:
    """The nonces that were used lately, so that nobody else can repeat a login that was read.

    A client may use its nonce again: some do, within one session.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[bytes, str], tuple[str, float]] = OrderedDict()

    def is_repeated(self, token: UsernameToken, source: str, now: float) -> bool:
        """Note a login that was accepted; return True if it is another client's.

        Arguments:
            source: the address that it came from.
            now: UNIX seconds.
        """
        key = token.nonce[:64], token.created[:40]
        while self._seen:
            oldest = next(iter(self._seen))
            if self._seen[oldest][1] > now - 2 * MAX_DIFFERENCE and len(self._seen) <= _MAX_NONCES:
                break
            del self._seen[oldest]
        first, _ = self._seen.setdefault(key, (source, now))
        return first != source


def security_header(user: str, password: str, now: float) -> Xml:
    """Return the header with which a client logs in.

    Arguments:
        now: the time of the server's clock, in UNIX seconds.
    """
    nonce = secrets.token_bytes(16)
    created = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    encoded = base64.b64encode(nonce).decode()
    return element(
        "wsse:Security",
        element(
            "wsse:UsernameToken",
            element("wsse:Username", user),
            element("wsse:Password", _digest(nonce, created, password), Type=_DIGEST),
            element("wsse:Nonce", encoded, EncodingType=_BASE64),
            element("wsu:Created", created),
        ),
        xmlns__wsse=_SECURITY,
        xmlns__wsu=_UTILITY,
        s__mustUnderstand="1",
    )


def _digest(nonce: bytes, created: str, password: str) -> str:
    joined = nonce + created.encode() + password.encode(errors="surrogatepass")
    return base64.b64encode(hashlib.sha1(joined, usedforsecurity=False).digest()).decode()
