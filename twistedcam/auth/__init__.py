"""Tokens, their rights, logins to the page, and the delay for wrong tokens.

See docs/security.md.
"""

from twistedcam.auth.authenticator import Authenticator
from twistedcam.auth.grant import ANYONE, NOBODY, RIGHTS, Grant, Right
from twistedcam.auth.login_sessions import LoginSession, LoginSessions
from twistedcam.auth.sessions import TokenSession
from twistedcam.auth.tokens import Token, TokenFile, hash_of, new_token

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
