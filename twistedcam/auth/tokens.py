"""Tokens and the file of their hashes.

A token is longer than the 64-byte block of SHA-256. HMAC (RFC 2104, section 2) hashes such a long
key first, so HMAC(token, …) = HMAC(SHA256(token), …): the hash is enough to check the frame port's
proof of a token. A token has 256 random bits. It cannot be guessed from its hash, so a salt or a
slow hash would add nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import sys
import tomllib
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twistedcam.auth.expiry import as_toml, read_expiry
from twistedcam.auth.grant import RIGHTS, Grant
from twistedcam.auth.users import User, check_hash, check_password, digest_of, hash_password
from twistedcam.errors import BadArgument, DiskError
from twistedcam.runtime.atomic_file import locked, write_atomically

#: The beginning of every token.
TOKEN_PREFIX = "tcam1_"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_KEYS = ("sha256", "token", "rights", "cameras", "expires")
_USER_KEYS = ("password", "rights", "cameras", "expires")
_HEAD = """\
# Tokens of a twistedcam server: their hashes, never the tokens. Keep this file secret:
# a hash is enough to use the frame port (docs/security.md).
# 'twistedcam token' adds and removes tokens, 'twistedcam user' users with passwords. You can also
# edit rights, cameras and expires here.
"""


def new_token() -> str:
    """Return a new token: 70 ASCII characters with 256 random bits."""
    return f"{TOKEN_PREFIX}{secrets.token_hex(32)}"


def hash_of(token: str) -> str:
    """Return the SHA-256 of a token in hexadecimal, as kept in the file."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Token:
    """A token of the file, known by its hash.

    Arguments:
        hash: its SHA-256 in hexadecimal.
        grant: its rights.
        text: the token itself, which Digest authentication needs; None if it is not kept.
    """

    hash: str
    grant: Grant
    text: str | None = field(default=None, repr=False)

    @property
    def key(self) -> bytes:
        """The key that replaces the token in HMAC-SHA256."""
        return bytes.fromhex(self.hash)


@dataclass(frozen=True)
class _Contents:
    tokens: dict[str, Token]
    users: dict[str, User]


class TokenFile:
    """The TOML file of tokens and users.

    It has a table ``[token.NAME]`` for each token, with the keys ``sha256`` and ``rights``, and
    optionally ``cameras``, ``expires``, and ``token`` for Digest authentication; and a table
    ``[user.NAME]`` for each user, with ``password`` in place of ``sha256``.

    Arguments:
        path: the file; ``add`` creates it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Token]:
        """Return all tokens by name.

        Raises:
            BadArgument: the file is missing or invalid.
        """
        return self.read_all().tokens

    def read_all(self) -> _Contents:
        """Return all ``tokens`` and ``users``, each by name.

        Raises:
            BadArgument: the file is missing or invalid.
        """
        try:
            document = tomllib.loads(self.path.read_text(encoding="utf-8"))
        except OSError as error:
            hint = ""
            if isinstance(error, FileNotFoundError):
                hint = (
                    f"; make one with 'twistedcam token add NAME --right view --tokens {self.path}'"
                )
            elif isinstance(error, PermissionError) and sys.platform != "win32":
                hint = f"; let this user's group read it: chgrp {_own_group()}, chmod 640"
            raise BadArgument(
                f"the file of tokens {self.path} cannot be read: {error.strerror}{hint}"
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadArgument(f"{self.path} is not valid TOML: {error}") from None
        tokens, users = document.pop("token", {}), document.pop("user", {})
        if document or not isinstance(tokens, dict) or not isinstance(users, dict):
            raise BadArgument(
                f"{self.path}: a file of tokens can only have tables [token.NAME] and [user.NAME]"
            )
        return _Contents(
            {name: self._token(name, table) for name, table in tokens.items()},
            {name: self._user(name, table) for name, table in users.items()},
        )

    def add_user(self, grant: Grant, password: str) -> None:
        """Add a user. Takes some 30 ms.

        Raises:
            BadArgument: the name is taken or invalid, the password is too short or too long, or the
                file is invalid.
            DiskError: the file cannot be written.
        """
        _check_name(grant.name, "a user")
        user = User(grant, hash_password(check_password(password)))

        def with_it(before: _Contents) -> _Contents:
            if grant.name in before.users:
                raise BadArgument(f"a user {grant.name!r} exists already: remove it first")
            return _Contents(before.tokens, {**before.users, grant.name: user})

        self._change(with_it)

    def set_password(self, name: str, password: str) -> None:
        """Change the password of a user. Logins with the old one end.

        Raises:
            BadArgument: there is no such user, or the password is too short or too long.
            DiskError: the file cannot be written.
        """
        text = hash_password(check_password(password))

        def with_it(before: _Contents) -> _Contents:
            user = User(self._known_user(before, name).grant, text)
            return _Contents(before.tokens, {**before.users, name: user})

        self._change(with_it)

    def remove_user(self, name: str) -> None:
        """Remove a user.

        Raises:
            BadArgument: there is no such user.
            DiskError: the file cannot be written.
        """

        def without_it(before: _Contents) -> _Contents:
            self._known_user(before, name)
            return _Contents(before.tokens, {k: v for k, v in before.users.items() if k != name})

        self._change(without_it)

    def _known_user(self, contents: _Contents, name: str) -> User:
        if name not in contents.users:
            raise BadArgument(f"there is no user {name!r} in {self.path}")
        return contents.users[name]

    def add(self, grant: Grant, keep: bool = False) -> str:
        """Add a token and return it.

        Arguments:
            keep: True to write the token itself, too, for Digest authentication.

        Raises:
            BadArgument: the name is taken or invalid, or the file is invalid.
            DiskError: the file cannot be written.
        """
        _check_name(grant.name, "a token")
        token = new_token()

        def with_it(before: _Contents) -> _Contents:
            if grant.name in before.tokens:
                raise BadArgument(f"a token {grant.name!r} exists already: remove it first")
            added = Token(hash_of(token), grant, token if keep else None)
            return _Contents({**before.tokens, grant.name: added}, before.users)

        self._change(with_it)
        return token

    def remove(self, name: str) -> None:
        """Remove a token.

        Raises:
            BadArgument: no token has that name.
            DiskError: the file cannot be written.
        """

        def without_it(before: _Contents) -> _Contents:
            if name not in before.tokens:
                raise BadArgument(f"there is no token {name!r} in {self.path}")
            return _Contents({k: v for k, v in before.tokens.items() if k != name}, before.users)

        self.read()  # raises an error if the file is missing
        self._change(without_it)

    def _token(self, name: str, table: Any) -> Token:
        where = f"{self.path}: [token.{name}]"
        _check_table(where, table, _KEYS)
        digest = table.get("sha256")
        if not isinstance(digest, str) or not _HASH.fullmatch(digest):
            raise BadArgument(f"{where} needs sha256 = '…', 64 hexadecimal digits")
        text = table.get("token")
        if text is not None and (not isinstance(text, str) or hash_of(text) != digest):
            raise BadArgument(f"{where}: token is not the token whose hash is sha256")
        return Token(digest, _grant(where, name, table, digest), text)

    def _user(self, name: str, table: Any) -> User:
        where = f"{self.path}: [user.{name}]"
        _check_table(where, table, _USER_KEYS)
        _check_name(name, "a user")
        password = check_hash(table.get("password"), where)
        digest = digest_of(name, password)
        return User(_grant(where, name, table, digest, f"the user {name!r}"), password)

    def _change(self, change: Callable[[_Contents], _Contents]) -> None:
        """Read, change and replace the file under a lock. Only its owner can read it.

        Raises:
            BadArgument: the file is invalid, or ``change`` raised it.
            DiskError: the file cannot be written.
        """
        path = Path(os.path.realpath(self.path))  # a link stays one
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with locked(path):
                after = change(self.read_all() if path.exists() else _Contents({}, {}))
                shown = [_show(each) for each in after.tokens.values()]
                shown += [_show_user(each) for each in after.users.values()]
                text = _HEAD + "".join(shown)
                mode, owner = _mode_and_owner(path)
                write_atomically(path, text.encode(), mode, owner=owner)
        except OSError as error:
            raise DiskError(f"{self.path} cannot be written: {error.strerror}") from error


def _mode_and_owner(path: Path) -> tuple[int, tuple[int, int] | None]:
    """Return mode and owner of the file, so that the service's group can read it."""
    if sys.platform == "win32":  # pragma: no cover - Windows has no such owners
        return 0o600, None
    if not path.exists():
        folder = path.parent.stat()
        # Such as /etc/twistedcam: of root, and closed to all but the group of the service.
        is_of_service = folder.st_uid == 0 and folder.st_mode & 0o077 == 0o050
        if os.geteuid() == 0 and folder.st_gid != 0 and is_of_service:
            return 0o640, (0, folder.st_gid)
        return 0o600, None
    before = path.stat()
    owner = (before.st_uid, before.st_gid)
    return before.st_mode & 0o640, None if owner == (os.geteuid(), os.getegid()) else owner


def _own_group() -> str:
    """Return the name of this process's group, or its number if it has none."""
    import grp  # not on Windows

    group = os.getegid()
    try:
        return grp.getgrgid(group).gr_name
    except KeyError:
        return str(group)


def _check_name(name: str, what: str) -> None:
    if not _NAME.fullmatch(name):
        raise BadArgument(
            f"{name!r} is not a valid name for {what}: use letters a to z, digits, "
            "'-' and '_', 64 at most"
        )


def _check_table(where: str, table: Any, keys: tuple[str, ...]) -> None:
    if not isinstance(table, dict):
        raise BadArgument(f"{where} must be a table")
    unknown = set(table) - set(keys)
    if unknown:
        known = ", ".join(keys)
        raise BadArgument(f"{where}: unknown key {min(unknown)!r}; the keys are {known}")


def _grant(where: str, name: str, table: dict[str, Any], digest: str, holder: str = "") -> Grant:
    """Return the rights of a table.

    Raises:
        BadArgument: a value is not valid.
    """
    rights, cameras = table.get("rights"), table.get("cameras")
    if not isinstance(rights, list):
        raise BadArgument(f"{where} needs rights, a list of {', '.join(RIGHTS)}")
    for each in rights:
        if each not in RIGHTS:
            raise BadArgument(
                f"{where}: unknown right {each!r}; the rights are " + ", ".join(RIGHTS)
            )
    if cameras is not None and not (
        isinstance(cameras, list) and all(isinstance(each, str) for each in cameras)
    ):
        raise BadArgument(f"{where}: cameras must be a list of names")
    only = None
    if cameras is not None:
        only = frozenset(unicodedata.normalize("NFC", each) for each in cameras)
    expires = table.get("expires")
    if expires is not None:
        try:
            expires = read_expiry(expires)
        except BadArgument as error:
            raise BadArgument(f"{where}: expires is invalid: {error}") from None
    return Grant(name, frozenset(rights), only, expires, digest, holder)


def _show(token: Token) -> str:
    lines = [f"\n[token.{token.grant.name}]", f'sha256 = "{token.hash}"']
    if token.text is not None:
        lines.append(f"token = {json.dumps(token.text)}")
    return "\n".join(lines + _show_grant(token.grant)) + "\n"


def _show_user(user: User) -> str:
    lines = [f"\n[user.{user.grant.name}]", f'password = "{user.password}"']
    return "\n".join(lines + _show_grant(user.grant)) + "\n"


def _show_grant(grant: Grant) -> list[str]:
    rights = json.dumps([right for right in RIGHTS if right in grant.rights])
    lines = [f"rights = {rights}"]
    if grant.cameras is not None:
        # A JSON string without surrogates is a TOML string.
        lines.append(f"cameras = {json.dumps(sorted(grant.cameras), ensure_ascii=False)}")
    if grant.expires is not None:
        lines.append(f"expires = {as_toml(grant.expires)}")
    return lines
