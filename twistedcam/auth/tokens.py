"""Tokens and the file of their hashes.

A token is longer than SHA-256's block of 64 bytes. HMAC (RFC 2104, section 2) hashes a key that
long before it uses it, so HMAC(token, …) = HMAC(SHA256(token), …): the frame port's proof of a
token can be checked by one who has its hash alone. A token has 256 random bits, so there is no
guessing it from its hash either, and neither salt nor a slow hash would add anything.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twistedcam.auth.expiry import as_toml, read_expiry
from twistedcam.auth.grant import RIGHTS, Grant
from twistedcam.errors import BadArgument, DiskError
from twistedcam.runtime.atomic_file import locked, write_atomically

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_KEYS = ("sha256", "rights", "cameras", "expires")
_HEAD = """\
# Who may do what on a twistedcam server: hashes of tokens, never tokens. Keep it to yourself:
# who has a hash can open the frame port with it (docs/security.md).
# 'twistedcam token' adds and removes; rights, cameras and expires can be edited here too.
"""


def new_token() -> str:
    """A token that nobody has yet: 70 ASCII characters, 256 bits of chance in them."""
    return f"tcam1_{secrets.token_hex(32)}"


def hash_of(token: str) -> str:
    """A token's SHA-256, hexadecimal: what the file keeps."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Token:
    """A token as the file knows it: by its hash."""

    hash: str
    grant: Grant

    @property
    def key(self) -> bytes:
        """What stands for the token in HMAC-SHA256."""
        return bytes.fromhex(self.hash)


class TokenFile:
    """The file: a table ``[token.NAME]`` each, with the keys ``sha256`` and ``rights``.

    ``cameras`` and ``expires`` may be there, too.

    Arguments:
        path: where it is, or will be.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Token]:
        """All tokens, by name.

        Raises:
            BadArgument: there is no such file, or it is not what it has to be.
        """
        try:
            document = tomllib.loads(self.path.read_text(encoding="utf-8"))
        except OSError as error:
            raise BadArgument(
                f"the tokens {self.path} cannot be read: {error.strerror}; make one with "
                f"'twistedcam token add NAME --right view --tokens {self.path}'"
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadArgument(f"{self.path} is no TOML: {error}") from None
        tables = document.pop("token", {})
        if document or not isinstance(tables, dict):
            raise BadArgument(f"{self.path}: there is nothing but [token.NAME] in a file of tokens")
        return {name: self._token(name, table) for name, table in tables.items()}

    def add(self, grant: Grant) -> str:
        """Add a token. Returns the token itself, which is kept nowhere.

        Raises:
            BadArgument: the name is taken, or will not do, or the file is broken.
            DiskError: the file cannot be written.
        """
        if not _NAME.fullmatch(grant.name):
            raise BadArgument(
                f"{grant.name!r} is no name for a token: letters a to z, digits, '-' and '_', "
                "64 at most"
            )
        token = new_token()

        def with_it(tokens: dict[str, Token]) -> dict[str, Token]:
            if grant.name in tokens:
                raise BadArgument(f"there is a token {grant.name!r} already: remove it first")
            return {**tokens, grant.name: Token(hash_of(token), grant)}

        self._change(with_it)
        return token

    def remove(self, name: str) -> None:
        """Remove a token.

        Raises:
            BadArgument: there is none of that name.
            DiskError: the file cannot be written.
        """

        def without_it(tokens: dict[str, Token]) -> dict[str, Token]:
            if name not in tokens:
                raise BadArgument(f"there is no token {name!r} in {self.path}")
            return {key: each for key, each in tokens.items() if key != name}

        self.read()  # so that a file that is not there is said to be missing
        self._change(without_it)

    def _token(self, name: str, table: Any) -> Token:
        where = f"{self.path}: [token.{name}]"
        if not isinstance(table, dict):
            raise BadArgument(f"{where} has to be a table")
        unknown = set(table) - set(_KEYS)
        if unknown:
            known = ", ".join(_KEYS)
            raise BadArgument(f"{where}: there is no key {min(unknown)!r}; there is {known}")
        digest = table.get("sha256")
        if not isinstance(digest, str) or not _HASH.fullmatch(digest):
            raise BadArgument(f"{where} needs sha256 = '…', 64 hexadecimal digits")
        rights, cameras = table.get("rights"), table.get("cameras")
        if not isinstance(rights, list):
            raise BadArgument(f"{where} needs rights, a list of {', '.join(RIGHTS)}")
        for each in rights:
            if each not in RIGHTS:
                raise BadArgument(
                    f"{where}: there is no right {each!r}: it needs rights out of "
                    + ", ".join(RIGHTS)
                )
        if cameras is not None and not (
            isinstance(cameras, list) and all(isinstance(each, str) for each in cameras)
        ):
            raise BadArgument(f"{where}: cameras has to be a list of names")
        only = None
        if cameras is not None:
            only = frozenset(unicodedata.normalize("NFC", each) for each in cameras)
        expires = table.get("expires")
        if expires is not None:
            try:
                expires = read_expiry(expires)
            except BadArgument as error:
                raise BadArgument(f"{where}: expires will not do: {error}") from None
        return Token(digest, Grant(name, frozenset(rights), only, expires, digest))

    def _change(self, change: Callable[[dict[str, Token]], dict[str, Token]]) -> None:
        """Read, change and replace the file in one step, readable by its owner alone.

        Raises:
            BadArgument: the file is broken, or ``change`` raised it.
            DiskError: it cannot be written.
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
    """A file that root gave to the service's group stays the group's to read."""
    if not path.exists():
        return 0o600, None
    before = path.stat()
    owner = (before.st_uid, before.st_gid)
    return before.st_mode & 0o640, None if owner == (os.geteuid(), os.getegid()) else owner


def _show(token: Token) -> str:
    grant = token.grant
    rights = json.dumps([right for right in RIGHTS if right in grant.rights])
    lines = [f"\n[token.{grant.name}]", f'sha256 = "{token.hash}"', f"rights = {rights}"]
    if grant.cameras is not None:
        # A JSON string without surrogates is a TOML string.
        lines.append(f"cameras = {json.dumps(sorted(grant.cameras), ensure_ascii=False)}")
    if grant.expires is not None:
        lines.append(f"expires = {as_toml(grant.expires)}")
    return "\n".join(lines) + "\n"
