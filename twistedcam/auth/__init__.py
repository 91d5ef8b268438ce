"""Tokens, their rights, logins to the page, and the delay for wrong tokens.

See docs/security.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twistedcam.auth.grant import ANYONE, NOBODY, RIGHTS, Grant, Right
from twistedcam.auth.tokens import Token, TokenFile, hash_of, new_token
from twistedcam.util.late_names import import_late

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
    "Authenticator": "twistedcam.auth.authenticator:Authenticator",
    "LoginSession": "twistedcam.auth.login_sessions:LoginSession",
    "LoginSessions": "twistedcam.auth.login_sessions:LoginSessions",
    "TokenSession": "twistedcam.auth.sessions:TokenSession",
}


def __getattr__(name: str) -> Any:
    return import_late(globals(), _LATER, name)
