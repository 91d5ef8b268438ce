"""The text of a source: ``webcam:/dev/video0?size=1280x720&fps=30``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from twistedcam.errors import BadArgument
from twistedcam.media.jpeg import MOST_PIXELS
from twistedcam.net.urls import SCHEMES as URL_SCHEMES
from twistedcam.net.urls import join_settings, split_settings, unknown_setting, without_secrets
from twistedcam.util.camera_name import check_name as check_name
from twistedcam.util.camera_name import check_title

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})", re.ASCII)
_MAX_SIDE = 16384
#: Schemes that need nothing behind their colon: the colon may be left out.
_SCHEMES_ALONE = frozenset({"auto", "pattern", "push", "webcam"})

#: Endings of what is a film's name, and no word that was mistyped.
_FILMS = frozenset({".mp4", ".mkv", ".mov", ".avi", ".webm", ".m4v", ".mpg", ".ts"})

#: Settings that every source has: what happens to the picture between device and frame, and what
#: the camera is called where people see it.
COMMON = frozenset({"quality", "rotate", "flip", "timestamp", "idle", "title"})


@dataclass(frozen=True)
class SourceSpec:
    """A source, taken apart.

    Arguments:
        scheme: the word before the first colon, lower case.
        target: what stands between the scheme and the question mark.
        settings: the query; a later word wins over an earlier one.
        text: the whole, as it was given.
    """

    scheme: str
    target: str
    settings: dict[str, str] = field(default_factory=dict)
    text: str = ""

    @property
    def shown(self) -> str:
        """The text without any password, for status, logs and pages."""
        return without_secrets(self.text)

    def require_host(self) -> None:
        """Raise BadArgument unless the address has a host."""
        try:
            parts = urlsplit(f"{self.scheme}:{self.target}")
            found = parts.hostname and (parts.port or True)
        except ValueError:
            found = None
        if not found:
            raise BadArgument(f"{self.shown} has no host: write {self.scheme}://HOST/…")

    def path(self, example: str) -> Path:
        """Return the target as a path, or raise BadArgument with an example."""
        if not self.target:
            raise BadArgument(f"{self.scheme}: needs a path: {self.scheme}:{example}")
        return Path(unquote(self.target.removeprefix("//"))).expanduser()

    def with_settings(self, changes: dict[str, str]) -> SourceSpec:
        """The same source with some settings changed."""
        settings = {**self.settings, **changes}
        start = f"{self.scheme}:{self.target}"
        if self.scheme in URL_SCHEMES:
            text = join_settings(start, settings)
        else:
            text = f"{start}?{urlencode(settings, safe=':/,')}"
        return SourceSpec(self.scheme, self.target, settings, text)


def parse(text: str) -> SourceSpec:
    """Take a source's text apart.

    Raises:
        BadArgument: it has no scheme.
    """
    whole = _whole(text.strip())
    scheme, colon, rest = whole.partition(":")
    if not colon or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+-]*", scheme):
        what = "this" if "@" in text else repr(text)  # there may be a password before it
        is_film = Path(text.partition("?")[0]).suffix.lower() in _FILMS
        hint = f"; for a film, file:{text.strip()}" if is_film and "@" not in text else ""
        raise BadArgument(
            f"{what} is no source: write SCHEME:…, such as webcam:0, /dev/video0, "
            f"rtsp://HOST/… or http://HOST/…{hint}"
        )
    if scheme.lower() in URL_SCHEMES:
        target, settings = split_settings(rest, COMMON)
    else:
        target, _, query = rest.partition("?")
        settings = dict(parse_qsl(query, keep_blank_values=True))
    return SourceSpec(scheme.lower(), target, settings, whole)


def _whole(text: str) -> str:
    """The address that a short form stands for: ``0``, ``/dev/video0``, ``./film.mp4``."""
    target, question, query = text.partition("?")
    if target.isascii() and target.isdigit():
        return f"webcam:{text}"
    if re.fullmatch(r"video[0-9]+", target):
        return f"webcam:/dev/{text}"
    if target.startswith("/dev/"):
        return f"webcam:{text}"
    if target in _SCHEMES_ALONE:
        return f"{target}:{question}{query}"
    if ":" not in target and target.startswith(("/", "./", "../", "~/")):
        path = Path(target).expanduser()
        kind = "folder" if path.is_dir() else "file"
        return f"{kind}:{path}{question}{query}"
    return text


def parse_camera(text: str, default_name: str) -> tuple[str, SourceSpec]:
    """``[NAME=]SOURCE`` as the command line takes it: name and source.

    Raises:
        BadArgument: the name is none that a camera can have, or there is no scheme.
    """
    name, equals, source = text.partition("=")
    if not equals or any(each in name for each in ":?/"):
        return default_name, parse(text)
    return check_name(name), parse(source)


def title_of(spec: SourceSpec) -> str | None:
    """What the camera is called where people see it; None: its name.

    Raises:
        BadArgument: it cannot be called that.
    """
    title = spec.settings.get("title", "")
    return check_title(title) if title else None


class Settings:
    """Reads a source's settings and remembers which it knows.

    Every reader raises BadArgument with the setting's name when the value is not valid.
    """

    def __init__(self, spec: SourceSpec) -> None:
        self._spec = spec
        self._known: set[str] = set(COMMON)
        #: The lowest and the highest of each number that was asked for.
        self.ranges: dict[str, tuple[float, float]] = {}

    @property
    def known(self) -> frozenset[str]:
        """The settings that there are: the common ones, and those that were asked for."""
        return frozenset(self._known)

    def text(self, name: str, default: str = "") -> str:
        """As it stands."""
        self._known.add(name)
        return self._spec.settings.get(name, default)

    def size(self, name: str = "size") -> tuple[int, int] | None:
        """``WIDTHxHEIGHT`` in pixels."""
        text = self.text(name)
        if not text:
            return None
        match = _SIZE.fullmatch(text)
        if not match or not all(0 < int(side) <= _MAX_SIDE for side in match.groups()):
            raise self.bad(
                name, text, f"write it as 1280x720, of {_MAX_SIDE} pixels a side at most"
            )
        width, height = int(match[1]), int(match[2])
        if width * height > MOST_PIXELS:
            raise self.bad(name, text, f"it can have {MOST_PIXELS:,} pixels at most")
        return width, height

    def number(self, name: str, low: float, high: float) -> float | None:
        """A number from ``low`` to ``high``."""
        self.ranges[name] = (low, high)
        text = self.text(name)
        if not text:
            return None
        # Python would take 1_0, and digits of other scripts, which nobody else takes for a number.
        value = float(text) if _NUMBER.fullmatch(text) else float("nan")
        if not low <= value <= high:
            raise self.bad(name, text, f"it is a number from {low:g} to {high:g}")
        return value

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        """One of some words; an empty one is for a setting that is left out."""
        text = self.text(name, default)
        if text not in choices:
            words = ", ".join(filter(None, choices))
            unset = "" if all(choices) else ", or left out"
            raise self.bad(name, text, f"it is one of {words}{unset}")
        return text

    def flag(self, name: str, default: bool) -> bool:
        """0 or 1."""
        return self.choice(name, ("0", "1"), "1" if default else "0") == "1"

    def others(self) -> dict[str, str]:
        """The settings that no reader has asked for; from then on they count as known."""
        rest = {k: v for k, v in self._spec.settings.items() if k not in self._known}
        self._known.update(rest)
        return rest

    def refuse_unknown(self) -> None:
        """Raise BadArgument if there is a setting that nobody has asked for."""
        for name in self._spec.settings:
            if name not in self._known:
                of = f"{self._spec.scheme}:"
                raise BadArgument(unknown_setting(name, of, sorted(self._known)))

    def bad(self, name: str, text: str, hint: str) -> BadArgument:
        """The error for an invalid value."""
        return BadArgument(f"{name}={text!r} in {self._spec.scheme} is not valid: {hint}")
