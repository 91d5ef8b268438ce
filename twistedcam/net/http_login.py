"""HTTP authentication, Basic and Digest (RFC 7617, RFC 7616).

``requests`` answers the first challenge only, with MD5, SHA, SHA-256 or SHA-512. A camera may send
several, some unknown, and the strongest that is known must be answered.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

#: Digest algorithms and their names in hashlib, the strongest first.
_ALGORITHMS = {
    "SHA-512-256": "sha512_256",
    "SHA-512": "sha512",
    "SHA-256": "sha256",
    "SHA": "sha1",
    "MD5": "md5",
}
_SESSION = "-SESS"


@dataclass(frozen=True)
class Challenge:
    """A challenge of a ``WWW-Authenticate`` header; names of parameters are in lower case."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def algorithm(self) -> str:
        """The algorithm of the digest, in upper case."""
        return self.parameters.get("algorithm", "MD5").upper()

    @property
    def strength(self) -> int:
        """The rank of its strength; 0 if it cannot be answered."""
        if self.scheme == "basic":
            return 1
        name = self.algorithm.removesuffix(_SESSION)
        if self.scheme != "digest" or name not in _ALGORITHMS or "nonce" not in self.parameters:
            return 0
        if _ALGORITHMS[name] not in hashlib.algorithms_available or self.quality is None:
            return 0
        return len(_ALGORITHMS) + 1 - list(_ALGORITHMS).index(name)

    @property
    def quality(self) -> str | None:
        """The quality of protection to use: ``auth``, ``auth-int`` or empty; None if unknown."""
        offered = self.parameters.get("qop")
        if not offered:
            return ""
        words = [word.strip().lower() for word in offered.split(",")]
        return next((word for word in ("auth", "auth-int") if word in words), None)


class Login:
    """Answers a camera's challenge in each request.

    Arguments:
        user, password: from the camera's address, or None.
    """

    def __init__(self, user: str | None, password: str | None) -> None:
        self.has_password = user is not None
        self._user = user or ""
        self._password = password or ""
        self._challenge: Challenge | None = None
        self._count = 0
        self._was_accepted = False

    def challenged(self, headers: Iterable[str]) -> bool:
        """Note the challenges of a refusal; return True to repeat the request.

        Arguments:
            headers: the values of all ``WWW-Authenticate`` headers.
        """
        before, self._challenge = self._challenge, None
        found = parse_challenges(headers) or [Challenge("basic")]  # a refusal without a challenge
        known = [each for each in found if each.strength]
        if not known or not self.has_password:
            return False
        best = max(known, key=lambda each: each.strength)
        # A second challenge means that the answer was wrong, unless the nonce is too old. Cameras
        # that do not say that it is have accepted an answer before.
        is_stale = best.parameters.get("stale", "").lower() == "true"
        if before is not None and not is_stale and not self._was_accepted:
            return False
        self._challenge, self._count, self._was_accepted = best, 0, False
        return True

    def accepted(self) -> None:
        """Note that the last answer was accepted."""
        self._was_accepted = True

    def header(self, method: str, uri: str) -> str | None:
        """Return the ``Authorization`` header of a request; None before any challenge."""
        challenge = self._challenge
        if challenge is None:
            return None
        if challenge.scheme == "basic":
            return f"Basic {b64encode(f'{self._user}:{self._password}'.encode()).decode()}"
        self._count += 1
        return digest(
            challenge, method, uri, self._user, self._password, secrets.token_hex(8), self._count
        )


def digest(
    challenge: Challenge,
    method: str,
    uri: str,
    user: str,
    password: str,
    cnonce: str,
    count: int,
) -> str:
    """Return the answer to a digest challenge (RFC 7616, 3.4), for a request without a body."""
    given, algorithm = challenge.parameters, challenge.algorithm
    hashed = _hash(_ALGORITHMS[algorithm.removesuffix(_SESSION)])
    realm, nonce, quality = given.get("realm", ""), given["nonce"], challenge.quality
    number = f"{count:08x}"
    secret = hashed(f"{user}:{realm}:{password}")
    if algorithm.endswith(_SESSION):
        secret = hashed(f"{secret}:{nonce}:{cnonce}")
    request = f"{method}:{uri}"
    if quality == "auth-int":
        request += f":{hashed('')}"
    words = [nonce, number, cnonce, quality] if quality else [nonce]
    response = hashed(":".join([secret, *words, hashed(request)]))
    hides_user = given.get("userhash", "").lower() == "true"
    shown = hashed(f"{user}:{realm}") if hides_user else user
    fields = [
        *(f"username={_quoted(shown)}", f"realm={_quoted(realm)}", f"nonce={_quoted(nonce)}"),
        *(f"uri={_quoted(uri)}", f'response="{response}"'),
    ]
    if "algorithm" in given:
        fields.append(f"algorithm={given['algorithm']}")
    if "opaque" in given:
        fields.append(f"opaque={_quoted(given['opaque'])}")
    if quality:
        fields += [f"qop={quality}", f"nc={number}"]
    if quality or algorithm.endswith(_SESSION):
        fields.append(f'cnonce="{cnonce}"')
    if hides_user:
        fields.append("userhash=true")
    return f"Digest {', '.join(fields)}"


def parse_challenges(headers: Iterable[str]) -> list[Challenge]:
    """Return all challenges of the headers."""
    found: list[Challenge] = []
    for header in headers:
        scheme, parameters = "", list[str]()
        for piece in _split(header):
            first, _, rest = piece.partition(" ")
            if first and "=" not in first and not rest.lstrip().startswith("="):
                found += _challenge(scheme, parameters)
                scheme, parameters = first, [rest] if rest.strip() else []
            else:
                parameters.append(piece)
        found += _challenge(scheme, parameters)
    return found


def _challenge(scheme: str, parameters: list[str]) -> list[Challenge]:
    pairs = (each.partition("=") for each in parameters if "=" in each)
    named = {name.strip().lower(): _unquoted(value.strip()) for name, _, value in pairs}
    return [Challenge(scheme.lower(), named)] if scheme else []


def _split(header: str) -> list[str]:
    """Split a header at commas outside quotation marks."""
    pieces, quoted, start = [], False, 0
    at = 0
    while at < len(header):
        letter = header[at]
        if letter == "\\" and quoted:
            at += 1
        elif letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            pieces.append(header[start:at].strip())
            start = at + 1
        at += 1
    return [*pieces, header[start:].strip()]


def _hash(name: str) -> Callable[[str], str]:
    return lambda text: hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()


def _unquoted(text: str) -> str:
    if len(text) < 2 or not text[0] == text[-1] == '"':
        return text
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
