"""Tokens, their rights, logins to the page, and the delay for wrong tokens.

See docs/security.md.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from twistedcam.auth.grant import ANYONE, NOBODY, RIGHTS, Grant, Right
from twistedcam.auth.tokens import Token, TokenFile, hash_of, new_token

if TYPE_CHECKING:
    from twistedcam.auth.authenticator import Authenticator
    from twistedcam.auth.login_sessions import LoginSession, LoginSessions
    from twistedcam.auth.sessions import TokenSession

__all__ = [
    "ANYONE",
    "NOBODY",
    "RIGHTS",
    "Authenticator",
    "Grant",
    "LoginSession",
    "LoginSessions",
    "Right",
    "Token",
    "TokenFile",
    "TokenSession",
    "hash_of",
    "new_token",
]

#: What only a server needs is imported with Twisted, when it is first asked for.
_LATER = {
    "Authenticator": "authenticator",
    "LoginSession": "login_sessions",
    "LoginSessions": "login_sessions",
    "TokenSession": "sessions",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = found
    return found
