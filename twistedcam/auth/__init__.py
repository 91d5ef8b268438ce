"""Who may do what: tokens, the rights that each has, and what wrong ones cost.

See docs/security.md.
"""

from twistedcam.auth.authenticator import Authenticator
from twistedcam.auth.grant import ANYONE, NOBODY, RIGHTS, Grant, Right
from twistedcam.auth.sessions import TokenSession
from twistedcam.auth.tokens import Token, TokenFile, hash_of, new_token

__all__ = [
    "ANYONE",
    "NOBODY",
    "RIGHTS",
    "Authenticator",
    "Grant",
    "Right",
    "Token",
    "TokenFile",
    "TokenSession",
    "hash_of",
    "new_token",
]
