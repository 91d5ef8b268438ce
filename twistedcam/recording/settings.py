"""How a camera is recorded: from a configuration's table, or from words on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from twistedcam.errors import BadArgument
from twistedcam.recording.containers import FORMATS, Format, parse_format
from twistedcam.util import quantities

#: x264's presets that are of use for a live camera, cheapest first.
PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow"),
)


@dataclass(frozen=True)
class RecordSettings:
    """How recordings are made and how long they are kept. None: not said, or no limit.

    Arguments:
        format: what is written where a name says nothing else; H.264 in MP4 by default.
        crf: x264's quality, 0 (best) to 51.
        preset: x264's preset: slower ones make smaller files.
        segment: seconds after which, or segment_size: bytes after which a new file is begun.
        preroll: seconds before the button that are kept in memory and recorded too.
        preroll_memory: bytes that they may take at most.
        keep: bytes that recordings may take together.
        keep_days: days that a recording is kept.
        keep_free: bytes that stay free on the disk.
        at_start: whether a recording begins with the server, or when the camera is added.
        require_mount: the mount point without which nothing is recorded; ``on``: the recordings
            folder itself.
    """

    format: Format | None = None
    crf: int = 23
    preset: str = PRESETS[0]
    segment: float | None = None
    segment_size: int | None = None
    preroll: float | None = None
    preroll_memory: int = 256 * 2**20
    keep: int | None = None
    keep_days: float | None = None
    keep_free: int | None = None
    at_start: bool = False
    require_mount: str | None = None

    @property
    def default_format(self) -> Format:
        """The format of a recording whose name says nothing."""
        return self.format or FORMATS["h264"]

    @classmethod
    def from_mapping(
        cls, table: Mapping[str, Any], base: RecordSettings | None = None
    ) -> RecordSettings:
        """Settings from names and values; what the table does not name is as in ``base``.

        Values are strings as people write them (``"20GB"``, ``"10m"``) or plain numbers (seconds,
        bytes, days). ``off`` takes a limit away.

        Raises:
            BadArgument: there is no such setting, or its value will not do.
        """
        found: dict[str, Any] = {}
        for name, value in table.items():
            read = _READERS.get(name)
            if read is None:
                known = ", ".join(_READERS)
                raise BadArgument(f"recording has no setting {name!r}: it has {known}")
            if value in ("off", "none") and name in _OPTIONAL:
                found.update(_SEGMENT_OFF if name == "segment" else {name: None})
            elif name == "segment":
                found.update(_segment(value))
            else:
                found[name] = read(value, name)
        return replace(base or cls(), **found)

    @classmethod
    def from_words(cls, words: Iterable[str], base: RecordSettings | None = None) -> RecordSettings:
        """Settings from ``NAME=VALUE`` words.

        Raises:
            BadArgument: as from_mapping, or a word has no ``=``.
        """
        table: dict[str, str] = {}
        for word in words:
            name, equals, value = word.partition("=")
            if not equals:
                raise BadArgument(f"{word!r}: write it as NAME=VALUE, such as segment=10m")
            table[name.strip().replace("-", "_")] = value.strip()
        return cls.from_mapping(table, base)


_OPTIONAL = frozenset(
    {"format", "segment", "preroll", "keep", "keep_days", "keep_free", "require_mount"}
)
_SEGMENT_OFF: dict[str, Any] = {"segment": None, "segment_size": None}


def _segment(value: Any) -> dict[str, Any]:
    """A segment's length in time or in bytes; one takes the other's place."""
    if quantities.is_size(value):
        return {**_SEGMENT_OFF, "segment_size": quantities.size(value, "segment")}
    length = quantities.seconds(value, "segment (a time or a size)")
    if length < 1:
        raise BadArgument(f"segment={value!r} is too short: a second at least")
    return {**_SEGMENT_OFF, "segment": length}


def _number(low: float, high: float) -> Callable[[Any, str], float]:
    def read(value: Any, name: str) -> float:
        try:
            number = float("nan") if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if not low <= number <= high:
            raise BadArgument(f"{name}={value!r} will not do: a number from {low:g} to {high:g}")
        return number

    return read


def _crf(value: Any, name: str) -> int:
    return int(_number(0, 51)(value, name))


def _switch(value: Any, name: str) -> bool:
    if value in (True, "true", "on", "yes"):
        return True
    if value in (False, "false", "off", "no"):
        return False
    raise BadArgument(f"{name}={value!r} will not do: on or off")


def _mount_point(value: Any, name: str) -> str | None:
    if isinstance(value, str) and value.startswith("/"):
        return value
    try:
        return "on" if _switch(value, name) else None
    except BadArgument:
        known = "on, off, or the path of a mount point that begins with /"
        raise BadArgument(f"{name}={value!r} will not do: {known}") from None


def _preset(value: Any, name: str) -> str:
    if value not in PRESETS:
        raise BadArgument(f"{name}={value!r} is none that there is: " + ", ".join(PRESETS))
    return str(value)


_READERS: dict[str, Callable[[Any, str], Any]] = {
    "format": lambda value, _: parse_format(value),
    "crf": _crf,
    "preset": _preset,
    "segment": lambda value, _: _segment(value),
    "preroll": quantities.seconds,
    "preroll_memory": quantities.size,
    "keep": quantities.size,
    "keep_days": _number(0.001, 100_000),
    "keep_free": quantities.size,
    "at_start": _switch,
    "require_mount": _mount_point,
}
#: The settings by their names in a configuration.
SETTINGS = tuple(_READERS)

assert {each.name for each in fields(RecordSettings)} == {*SETTINGS, "segment_size"}
