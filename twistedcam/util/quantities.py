"""Reads and formats durations, sizes and rates: ``10s``, ``1.5h``, ``20GB``, ``512MiB``."""

from __future__ import annotations

import math
import re
from datetime import datetime
from pathlib import Path

from twistedcam.errors import BadArgument

_NUMBER = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*)", re.ASCII)
_UNIX = re.compile(r"\d+(?:\.\d*)?", re.ASCII)
_PICTURE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")
#: Pixels of the sides of pictures that can be asked for.
_MIN_SIDE, _MAX_SIDE = 16, 16384
_SECONDS = {"ms": 0.001, "": 1, "s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4}
_BYTES = {
    "b": 1,
    **{f"{letter}b": 1000**power for letter, power in _POWERS.items()},
    **{f"{letter}ib": 1024**power for letter, power in _POWERS.items()},
    **{letter: 1000**power for letter, power in _POWERS.items() if letter != "m"},  # 10m: minutes
}
_MAX_SECONDS = 10 * 366 * 86400.0


def seconds(text: str | float, what: str) -> float:
    """Parse seconds: ``10s``, ``10m``, ``1.5h``, ``2d``, ``200ms``, or a bare number of seconds.

    Arguments:
        what: the setting's name, for the error.

    Raises:
        BadArgument: it is not a positive duration.
    """
    value = _parse(text, _SECONDS)
    if value is None or not 0 < value <= _MAX_SECONDS:
        raise BadArgument(f"{what}={text!r} is not a duration: write it as 10s, 5m or 1.5h")
    return value


def moment(text: str, what: str) -> float:
    """Parse a time: seconds since the UNIX epoch, or ISO 8601, and return the former.

    A time in ISO 8601 without an offset is local time; where the clock is set back, the first of
    the two. A date alone is its midnight.

    Arguments:
        what: the parameter's name, for the error.

    Raises:
        BadArgument: it is neither.
    """
    try:
        if _UNIX.fullmatch(text.strip()):
            value = float(text)
        else:
            value = datetime.fromisoformat(text.strip()).timestamp()
        datetime.fromtimestamp(value)
    except (ValueError, OverflowError, OSError):
        raise BadArgument(
            f"{what}={text[:80]!r} is not a time: write it as 2026-11-29T14:03:00, with an offset "
            "such as +01:00 if it is not local time, or as seconds since 1970"
        ) from None
    return value


def size(text: str | float, what: str) -> int:
    """Parse bytes: ``20GB``, ``512MiB``, or a bare number of bytes.

    Raises:
        BadArgument: it is not a positive size.
    """
    value = _parse(text, _BYTES | {"": 1, "m": 1000**2})
    if value is None or not 1 <= value < math.inf:
        raise BadArgument(f"{what}={text!r} is not a size: write it as 500MB or 20GB")
    return int(value)


def bitrate(text: str | float, what: str) -> int:
    """Parse bits per second: ``4M``, ``800k``, or a bare number.

    Raises:
        BadArgument: it is not a positive rate.
    """
    try:
        return size(text, what)
    except BadArgument:
        raise BadArgument(f"{what}={text!r} is not a rate: write it as 4M or 800k") from None


def picture_size(text: str, what: str) -> tuple[int, int]:
    """Parse width and height in pixels: ``640x360``.

    Raises:
        BadArgument: it is not a size of pictures, or a side is not from 16 to 16384.
    """
    found = _PICTURE.fullmatch(text)
    if found is None or not all(_MIN_SIDE <= int(each) <= _MAX_SIDE for each in found.groups()):
        raise BadArgument(
            f"{what}={text[:80]!r} is not a size of pictures: write it as 640x360, each side from "
            f"{_MIN_SIDE} to {_MAX_SIDE}"
        )
    return int(found[1]), int(found[2])


def is_size(text: str | float) -> bool:
    """True if the text is a size and not a duration: ``100MB``, but not ``10m``."""
    return isinstance(text, str) and _parse(text, _BYTES) is not None


def show_seconds(length: float) -> str:
    """Format a duration as players do: ``0:07``, ``1:00``, ``1:02:03``."""
    minutes, rest = divmod(round(length), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def show_size(count: int) -> str:
    """Format a number of bytes in a suitable unit: ``512 bytes``, ``8.3 KB``, ``26 MB``."""
    if count < 1000:
        return f"{count} bytes"
    power = 1
    while power < 4 and count >= 999.5 * 1000**power:
        power += 1
    value, unit = count / 1000**power, ("KB", "MB", "GB", "TB")[power - 1]
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def shown_path(path: Path) -> str:
    """Format a path, relative to the working directory if it is inside."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _parse(text: object, units: dict[str, float] | dict[str, int]) -> float | None:
    if isinstance(text, int | float) and not isinstance(text, bool):
        return float(text) if math.isfinite(text) else None
    if not isinstance(text, str):
        return None
    match = _NUMBER.fullmatch(text.strip())
    if not match or match[2].lower() not in units:
        return None
    return float(match[1]) * units[match[2].lower()]
