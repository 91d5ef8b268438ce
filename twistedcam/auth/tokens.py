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
import tomllib
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twistedcam.auth.expiry import as_toml, read_expiry
from twistedcam.auth.grant import RIGHTS, Grant
from twistedcam.errors import BadArgument, DiskError
from twistedcam.runtime.atomic_file import locked, write_atomically

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_KEYS = ("sha256", "token", "rights", "cameras", "expires")
_HEAD = """\
# Tokens of a twistedcam server: their hashes, never the tokens. Keep this file secret:
# a hash is enough to use the frame port (docs/security.md).
# 'twistedcam token' adds and removes tokens. You can also edit rights, cameras and expires here.
"""


def new_token() -> str:
    """Return a new token: 70 ASCII characters with 256 random bits."""
    return f"tcam1_{secrets.token_hex(32)}"


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


class TokenFile:
    """The TOML file of tokens.

    It has a table ``[token.NAME]`` for each token, with the keys ``sha256`` and ``rights``, and
    optionally ``cameras``, ``expires``, and ``token`` for Digest authentication.

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
        try:
            document = tomllib.loads(self.path.read_text(encoding="utf-8"))
        except OSError as error:
            raise BadArgument(
                f"the file of tokens {self.path} cannot be read: {error.strerror}; make one with "
                f"'twistedcam token add NAME --right view --tokens {self.path}'"
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadArgument(f"{self.path} is not valid TOML: {error}") from None
        tables = document.pop("token", {})
        if document or not isinstance(tables, dict):
            raise BadArgument(f"{self.path}: a file of tokens can only have tables [token.NAME]")
        return {name: self._token(name, table) for name, table in tables.items()}

    def add(self, grant: Grant, keep: bool = False) -> str:
        """Add a token and return it.

        Arguments:
            keep: True to write the token itself, too, for Digest authentication.

        Raises:
            BadArgument: the name is taken or invalid, or the file is invalid.
            DiskError: the file cannot be written.
        """
        if not _NAME.fullmatch(grant.name):
            raise BadArgument(
                f"{grant.name!r} is not a valid name for a token: use letters a to z, digits, "
                "'-' and '_', 64 at most"
            )
        token = new_token()

        def with_it(tokens: dict[str, Token]) -> dict[str, Token]:
            if grant.name in tokens:
                raise BadArgument(f"a token {grant.name!r} exists already: remove it first")
            added = Token(hash_of(token), grant, token if keep else None)
            return {**tokens, grant.name: added}

        self._change(with_it)
        return token

    def remove(self, name: str) -> None:
        """Remove a token.

        Raises:
            BadArgument: no token has that name.
            DiskError: the file cannot be written.
        """

        def without_it(tokens: dict[str, Token]) -> dict[str, Token]:
            if name not in tokens:
                raise BadArgument(f"there is no token {name!r} in {self.path}")
            return {key: each for key, each in tokens.items() if key != name}

        self.read()  # raises an error if the file is missing
        self._change(without_it)

    def _token(self, name: str, table: Any) -> Token:
        where = f"{self.path}: [token.{name}]"
        if not isinstance(table, dict):
            raise BadArgument(f"{where} must be a table")
        unknown = set(table) - set(_KEYS)
        if unknown:
            known = ", ".join(_KEYS)
            raise BadArgument(f"{where}: unknown key {min(unknown)!r}; the keys are {known}")
        digest = table.get("sha256")
        if not isinstance(digest, str) or not _HASH.fullmatch(digest):
            raise BadArgument(f"{where} needs sha256 = '…', 64 hexadecimal digits")
        text = table.get("token")
        if text is not None and (not isinstance(text, str) or hash_of(text) != digest):
            raise BadArgument(f"{where}: token is not the token whose hash is sha256")
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
        return Token(digest, Grant(name, frozenset(rights), only, expires, digest), text)

    def _change(self, change: Callable[[dict[str, Token]], dict[str, Token]]) -> None:
        """Read, change and replace the file under a lock. Only its owner can read it.

        Raises:
            BadArgument: the file is invalid, or ``change`` raised it.
            DiskError: the file cannot be written.
        """
        path = Path(os.path.realpath(self.path))  # a link stays one
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with locked(path):
                tokens = change(self.read() if path.exists() else {})
                text = _HEAD + "".join(_show(each) for each in tokens.values())
                mode, owner = _mode_and_owner(path)
                write_atomically(path, text.encode(), mode, owner=owner)
        except OSError as error:
            raise DiskError(f"{self.path} cannot be written: {error.strerror}") from error


def _mode_and_owner(path: Path) -> tuple[int, tuple[int, int] | None]:
    """Return mode and owner of the file, so that the service's group can still read it."""
    if not path.exists():
        return 0o600, None
    before = path.stat()
    owner = (before.st_uid, before.st_gid)
    return before.st_mode & 0o640, None if owner == (os.geteuid(), os.getegid()) else owner


def _show(token: Token) -> str:
    grant = token.grant
    rights = json.dumps([right for right in RIGHTS if right in grant.rights])
    lines = [f"\n[token.{grant.name}]", f'sha256 = "{token.hash}"', f"rights = {rights}"]
    if token.text is not None:
        lines.insert(2, f"token = {json.dumps(token.text)}")
    if grant.cameras is not None:
        # A JSON string without surrogates is a TOML string.
        lines.append(f"cameras = {json.dumps(sorted(grant.cameras), ensure_ascii=False)}")
    if grant.expires is not None:
        lines.append(f"expires = {as_toml(grant.expires)}")
    return "\n".join(lines) + "\n"
