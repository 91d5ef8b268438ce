"""Names of files in the recordings folder."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from pathlib import Path

from twistedcam.errors import BadArgument

MAX_BYTES = 200


def check_name(name: str, suffixes: tuple[str, ...]) -> str:
    """A name that a person gave, if it is a plain file name with a known ending.

    Without an ending it gets the first of ``suffixes``.

    Raises:
        BadArgument: it could lead out of the folder, or says no known format.
    """
    if not name or name.startswith(".") or "/" in name or "\\" in name:
        raise BadArgument(f"{name!r} is no plain file name: no separators, no leading dot")
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise BadArgument(f"{name!r} has control characters in it")
    if len(name.encode()) > MAX_BYTES:
        raise BadArgument(f"a name has at most {MAX_BYTES} bytes")
    suffix = Path(name).suffix.lower()
    if not suffix:
        return name + suffixes[0]
    if suffix not in suffixes:
        raise BadArgument(f"{name!r}: the ending has to be one of {', '.join(suffixes)}")
    return name


def free_name(folder: Path, camera: str, when: float, suffix: str) -> str:
    """``CAMERA_2026-11-22_14-03-05.mkv``, with a number if there is one already.

    Arguments:
        when: seconds since the UNIX epoch; the name has the local time.
    """
    base = f"{camera}_{datetime.fromtimestamp(when):%Y-%m-%d_%H-%M-%S}"
    name, number = base + suffix, 1
    while (folder / name).exists():
        number += 1
        name = f"{base}-{number}{suffix}"
    return name


def has_suffix(word: str) -> bool:
    """Whether a lone word is meant as a file's name and not as a camera's."""
    return "." in word[1:]
