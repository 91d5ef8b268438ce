"""The text of a source: ``webcam:/dev/video0?size=1280x720&fps=30``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from twistedcam.errors import BadArgument
from twistedcam.media.jpeg import MAX_PIXELS
from twistedcam.net.urls import SCHEMES as URL_SCHEMES
from twistedcam.net.urls import join_settings, split_settings, unknown_setting, without_secrets
from twistedcam.runtime.home import expand_home
from twistedcam.util.camera_name import check_name as check_name
from twistedcam.util.camera_name import check_title
from twistedcam.util.schema import ValueKind

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})", re.ASCII)
_MAX_SIDE = 16384
#: Schemes that need no target; their colon may be omitted.
_SCHEMES_ALONE = frozenset({"auto", "pattern", "picamera", "push", "webcam"})

#: Suffixes of video files, for a hint.
_VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".mov", ".avi", ".webm", ".m4v", ".mpg", ".ts"})

#: What looks like a network camera's address without its scheme, for a hint.
_HOST = re.compile(
    r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]+\]|[\w-]+(?:\.[\w-]+)*\.(?:local|lan|home|box))"
    r"(?::\d{1,5})?(?:/\S*)?",
    re.IGNORECASE,
)

#: Settings that every source has: about the encoding of its pictures, the camera's title, and its
#: sound.
COMMON = frozenset(
    {"quality", "rotate", "flip", "timestamp", "privacy", "idle", "title"}
    | {"audio", "audio_offset_ms", "muted"}
)
#: Settings that change without opening the source again.
LIVE_SETTINGS = ("quality", "title", "audio", "audio_offset_ms", "muted")


@dataclass(frozen=True)
class SourceSpec:
    """The parsed text of a source.

    Arguments:
        scheme: the word before the first colon, in lower case.
        target: the text between the scheme and the question mark.
        settings: the query; of equal names the last counts.
        text: the whole text.
    """

    scheme: str
    target: str
    settings: dict[str, str] = field(default_factory=dict)
    text: str = ""

    @property
    def shown(self) -> str:
        """The text without passwords, for status, log and web page."""
        return without_secrets(self.text)

    def require_host(self) -> None:
        """Raise BadArgument unless the address has a host."""
        try:
            parts = urlsplit(f"{self.scheme}:{self.target}")
            found = parts.hostname
        except ValueError:
            found = None
        if not found:
            raise BadArgument(f"{self.shown} has no host: write {self.scheme}://HOST/…")
        try:
            _ = parts.port
        except ValueError:
            raise BadArgument(
                f"{self.shown} has no valid port: it is a number from 1 to 65535"
            ) from None

    def path(self, example: str) -> Path:
        """Return the target as a path, or raise BadArgument with an example."""
        if not self.target:
            raise BadArgument(f"{self.scheme}: needs a path: {self.scheme}:{example}")
        return expand_home(unquote(self.target.removeprefix("//")))

    def with_settings(self, changes: dict[str, str]) -> SourceSpec:
        """Return the same source with some settings changed."""
        settings = {**self.settings, **changes}
        start = f"{self.scheme}:{self.target}"
        if self.scheme in URL_SCHEMES:
            text = join_settings(start, settings)
        else:
            text = f"{start}?{urlencode(settings, safe=':/,')}"
        return SourceSpec(self.scheme, self.target, settings, text)


def parse(text: str) -> SourceSpec:
    """Parse the text of a source.

    Raises:
        BadArgument: it has no scheme.
    """
    whole = _whole(text.strip())
    scheme, colon, rest = whole.partition(":")
    if not colon or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+-]*", scheme):
        what = "this" if "@" in text else repr(text)  # there may be a password before it
        if _HOST.fullmatch(text.strip().rpartition("@")[2]):
            raise BadArgument(
                f"{what} lacks its beginning: write onvif:// before the address of a camera, "
                "or rtsp:// or http:// before that of its video"
            )
        is_video = Path(text.partition("?")[0]).suffix.lower() in _VIDEO_SUFFIXES
        hint = f"; for a video file, file:{text.strip()}" if is_video and "@" not in text else ""
        raise BadArgument(
            f"{what} is not a source: write SCHEME:…, such as webcam:0, /dev/video0, "
            f"rtsp://HOST/… or http://HOST/…{hint}"
        )
    if scheme.lower() in URL_SCHEMES:
        target, settings = split_settings(rest, COMMON)
    else:
        target, _, query = rest.partition("?")
        settings = dict(parse_qsl(query, keep_blank_values=True))
    return SourceSpec(scheme.lower(), target, settings, whole)


def _whole(text: str) -> str:
    """Return the full text of a short form: ``0``, ``/dev/video0``, ``./clip.mp4``."""
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
        path = expand_home(target)
        kind = "folder" if path.is_dir() else "file"
        return f"{kind}:{path}{question}{query}"
    return text


def parse_camera(text: str, default_name: str) -> tuple[str, SourceSpec]:
    """Parse ``[NAME=]SOURCE``; return the name and the source.

    Raises:
        BadArgument: a camera cannot have the name, or there is no scheme.
    """
    name, equals, source = text.partition("=")
    if not equals or any(each in name for each in ":?/"):
        return default_name, parse(text)
    return check_name(name), parse(source)


def title_of(spec: SourceSpec) -> str | None:
    """Return the camera's title, or None.

    Raises:
        BadArgument: a camera cannot have that title.
    """
    title = spec.settings.get("title", "")
    return check_title(title) if title else None


class Settings:
    """Reads a source's settings, and remembers which were read and so are known.

    Every method that reads raises BadArgument with the setting's name if the value is not valid.
    """

    def __init__(self, spec: SourceSpec) -> None:
        self._spec = spec
        self._known: set[str] = set(COMMON)
        #: The kinds of the settings that were read, by their names.
        self.kinds: dict[str, ValueKind] = {}
        #: True if the source has other settings that it does not know in advance.
        self.has_others = False

    @property
    def scheme(self) -> str:
        """The kind of source."""
        return self._spec.scheme

    @property
    def known(self) -> frozenset[str]:
        """The known settings: the common ones, and those that were read."""
        return frozenset(self._known)

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """The range (lowest, highest) of each number that was read."""
        return {
            name: (kind.low, kind.high)
            for name, kind in self.kinds.items()
            if kind.low is not None and kind.high is not None
        }

    def text(self, name: str, default: str = "", kind: str = "text") -> str:
        """Read a text.

        Arguments:
            kind: the kind of text, for a form.
        """
        return self.value(name, ValueKind(kind, default=default))

    def value(self, name: str, kind: ValueKind) -> str:
        """Read a setting as it was written, or its default."""
        self._known.add(name)
        self.kinds[name] = kind
        return self._spec.settings.get(name, kind.default)

    def size(
        self, name: str = "size", default: tuple[int, int] | None = None
    ) -> tuple[int, int] | None:
        """Read ``WIDTHxHEIGHT`` in pixels; return (width, height), or the default."""
        shown = "" if default is None else "{}x{}".format(*default)
        self.value(name, ValueKind("picture size", default=shown))
        text = self._spec.settings.get(name, "")
        if not text:
            return default
        match = _SIZE.fullmatch(text)
        if not match or not all(0 < int(side) <= _MAX_SIDE for side in match.groups()):
            raise self.bad(
                name, text, f"write it as 1280x720, with at most {_MAX_SIDE} pixels a side"
            )
        width, height = int(match[1]), int(match[2])
        if width * height > MAX_PIXELS:
            raise self.bad(name, text, f"it can have {MAX_PIXELS:,} pixels at most")
        return width, height

    def number(
        self, name: str, low: float, high: float, default: float | None = None
    ) -> float | None:
        """Read a number from ``low`` to ``high``; return the default if it is not set."""
        shown = "" if default is None else f"{default:g}"
        self.value(name, ValueKind("number", low, high, default=shown))
        text = self._spec.settings.get(name, "")
        if not text:
            return default
        # float() also accepts 1_0 and digits of other scripts.
        value = float(text) if _NUMBER.fullmatch(text) else float("nan")
        if not low <= value <= high:
            raise self.bad(name, text, f"it is a number from {low:g} to {high:g}")
        return value

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        """Read one of some words; an empty word stands for a setting that is not set."""
        text = self.value(name, ValueKind("choice", choices=choices, default=default))
        if text not in choices:
            words = ", ".join(filter(None, choices))
            unset = "" if all(choices) else ", or omitted"
            raise self.bad(name, text, f"it is one of {words}{unset}")
        return text

    def flag(self, name: str, default: bool) -> bool:
        """Read 0 or 1."""
        found = self.choice(name, ("0", "1"), "1" if default else "0") == "1"
        self.kinds[name] = ValueKind("switch", default="1" if default else "0")
        return found

    def others(self) -> dict[str, str]:
        """Return the settings that were not read; from then on they are known."""
        self.has_others = True
        rest = {k: v for k, v in self._spec.settings.items() if k not in self._known}
        self._known.update(rest)
        return rest

    def refuse_unknown(self) -> None:
        """Raise BadArgument if there is a setting that was not read."""
        for name in self._spec.settings:
            if name not in self._known:
                of = f"{self._spec.scheme}:"
                raise BadArgument(unknown_setting(name, of, sorted(self._known)))

    def bad(self, name: str, text: str, hint: str) -> BadArgument:
        """Return the error for an invalid value."""
        return BadArgument(f"{name}={text!r} in {self._spec.scheme} is not valid: {hint}")
