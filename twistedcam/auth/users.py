"""Users with passwords, beside the tokens in their file."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from twistedcam.auth.grant import Grant, Right
from twistedcam.errors import BadArgument

#: Rights by role. Each role has the rights of the one before.
ROLES: dict[str, frozenset[Right]] = {
    "view": frozenset({"view", "listen"}),
    "control": frozenset({"view", "listen", "control"}),
    "admin": frozenset({"view", "listen", "control", "admin"}),
}
MIN_PASSWORD = 8
#: Characters of a password: a longer one would only cost time.
MAX_PASSWORD = 200
#: Argon2id with 19 MiB, as OWASP recommends where memory is short: one check at a time.
_MEMORY, _ROUNDS = 19_456, 2
#: A hash of nobody's password with the same cost, so that an unknown name takes as long.
_NOBODY = (
    "$argon2id$v=19$m=19456,t=2,p=1$X1Z+o01BlKvIhhMiJfJyMw"
    "$ZVWTqxD9cqYChZ44tUyq6YYfOHGSskuWEkhcFFEQEOo"
)
_FORMAT = re.compile(
    r"\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d)\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,86}"
)
#: The most memory in KiB and rounds of a hash in the file, which may be made by another program.
_MOST_MEMORY, _MOST_ROUNDS = 1 << 17, 20


@dataclass(frozen=True)
class User:
    """A user of the file.

    Arguments:
        grant: the name and the rights; its digest changes with the password.
        password: the hash, as Argon2 writes it.
    """

    grant: Grant
    password: str = field(repr=False)


def check_password(password: str) -> str:
    """Return a password that may be set.

    Raises:
        BadArgument: it is too short or too long.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise BadArgument(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters")
    return password


def hash_password(password: str) -> str:
    """Return the hash of a password with a new salt. Takes some 30 ms and 19 MiB."""
    from argon2 import PasswordHasher

    hasher = PasswordHasher(time_cost=_ROUNDS, memory_cost=_MEMORY, parallelism=1)
    return hasher.hash(password.encode(errors="surrogatepass"))


def is_password(user: User | None, password: str) -> bool:
    """True if a user has this password. Blocks as long if there is no such user."""
    from argon2 import PasswordHasher
    from argon2.exceptions import Argon2Error, InvalidHashError

    tried = password[: MAX_PASSWORD + 1].encode(errors="surrogatepass")
    try:
        found = PasswordHasher().verify(_NOBODY if user is None else user.password, tried)
    except (Argon2Error, InvalidHashError):
        return False
    return found and user is not None and len(password) <= MAX_PASSWORD


def digest_of(name: str, password_hash: str) -> str:
    """Return the text that stands for a user and the password where tokens have their hash.

    No token has it: the text that is hashed begins with a word that no hash of Argon2 has.
    """
    return hashlib.sha256(f"user {name} {password_hash}".encode()).hexdigest()


def check_hash(value: Any, where: str) -> str:
    """Return the hash of a password from the file.

    Raises:
        BadArgument: it is none, or too expensive to check.
    """
    match = _FORMAT.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) > _MOST_MEMORY or int(match[2]) > _MOST_ROUNDS:
        raise BadArgument(f"{where} needs password = '$argon2id$…': use 'twistedcam user passwd'")
    return match[0]


def role_of(grant: Grant) -> str | None:
    """Return the role that has exactly these rights, or None."""
    return next((role for role, rights in ROLES.items() if rights == grant.rights), None)
