"""The proof of a token, which itself is never sent."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Literal

Role = Literal["view", "publish"]
ROLES: tuple[Role, ...] = ("view", "publish")


def new_nonce() -> str:
    """Return 64 random hexadecimal digits."""
    return secrets.token_hex(32)


def mac_of(token: str, role: str, nonce: str) -> str:
    """Return the HMAC-SHA256 (RFC 2104) of ``ROLE:NONCE`` with the token as key, hexadecimal."""
    return hmac.new(token.encode(), f"{role}:{nonce}".encode(), hashlib.sha256).hexdigest()


def mac_matches(mac: str, key: str | bytes, role: str, nonce: str) -> bool:
    """True if ``mac`` was made with ``key``. Takes the same time for any result.

    Arguments:
        key: the token, or the SHA-256 of one of more than 64 bytes, which HMAC treats as equal.
    """
    key = key.encode() if isinstance(key, str) else key
    made = hmac.new(key, f"{role}:{nonce}".encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(mac.lower().encode(errors="replace"), made.encode())
