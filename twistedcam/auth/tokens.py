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
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twistedcam.auth.grant import RIGHTS, Grant
from twistedcam.errors import BadArgument, DiskError

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_HEAD = """\
# Who may do what on a twistedcam server: hashes of tokens, never tokens. Keep it to yourself:
# who has a hash can open the frame port with it (docs/security.md).
# 'twistedcam token' adds and removes; rights and cameras can be edited here too.
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
    """The file: a table ``[token.NAME]`` each, with ``sha256``, ``rights`` and perhaps ``cameras``.

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
        """One more token; the token itself, which is kept nowhere.

        Raises:
            BadArgument: the name is taken, or will not do, or the file is broken.
            DiskError: the file cannot be written.
        """
        if not _NAME.fullmatch(grant.name):
            raise BadArgument(f"{grant.name!r} is no name for a token: letters, digits, - and _")
        tokens = self.read() if self.path.exists() else {}
        if grant.name in tokens:
            raise BadArgument(f"there is a token {grant.name!r} already: remove it first")
        token = new_token()
        self._write({**tokens, grant.name: Token(hash_of(token), grant)})
        return token

    def remove(self, name: str) -> None:
        """One less.

        Raises:
            BadArgument: there is none of that name.
            DiskError: the file cannot be written.
        """
        tokens = self.read()
        if tokens.pop(name, None) is None:
            raise BadArgument(f"there is no token {name!r} in {self.path}")
        self._write(tokens)

    def _token(self, name: str, table: Any) -> Token:
        where = f"{self.path}: [token.{name}]"
        if not isinstance(table, dict):
            raise BadArgument(f"{where} has to be a table")
        unknown = set(table) - {"sha256", "rights", "cameras"}
        if unknown:
            raise BadArgument(f"{where}: there is no key {min(unknown)!r}")
        digest = table.get("sha256")
        if not isinstance(digest, str) or not _HASH.fullmatch(digest):
            raise BadArgument(f"{where} needs sha256 = '…', 64 hexadecimal digits")
        rights, cameras = table.get("rights"), table.get("cameras")
        if not isinstance(rights, list) or not all(each in RIGHTS for each in rights):
            raise BadArgument(f"{where} needs rights, a list of {', '.join(RIGHTS)}")
        if cameras is not None and not (
            isinstance(cameras, list) and all(isinstance(each, str) for each in cameras)
        ):
            raise BadArgument(f"{where}: cameras has to be a list of names")
        only = None if cameras is None else frozenset(cameras)
        return Token(digest, Grant(name, frozenset(rights), only))

    def _write(self, tokens: dict[str, Token]) -> None:
        """Replace the file at once, readable by its owner alone."""
        text = _HEAD + "".join(_show(each) for each in tokens.values())
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
            try:
                with open(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                self._keep_owner(name)
                os.replace(name, self.path)
            except BaseException:
                os.unlink(name)
                raise
        except OSError as error:
            raise DiskError(f"{self.path} cannot be written: {error.strerror}") from error

    def _keep_owner(self, name: str) -> None:
        """A file that root gave to the service's group stays the group's to read."""
        if self.path.exists():
            before = self.path.stat()
            os.chmod(name, before.st_mode & 0o640)
            if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                os.chown(name, before.st_uid, before.st_gid)


def _show(token: Token) -> str:
    grant = token.grant
    rights = json.dumps([right for right in RIGHTS if right in grant.rights])
    lines = [f"\n[token.{grant.name}]", f'sha256 = "{token.hash}"', f"rights = {rights}"]
    if grant.cameras is not None:
        # A JSON string without surrogates is a TOML string.
        lines.append(f"cameras = {json.dumps(sorted(grant.cameras), ensure_ascii=False)}")
    return "\n".join(lines) + "\n"
