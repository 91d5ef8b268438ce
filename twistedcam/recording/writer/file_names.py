"""Names of files in the recordings folder, and who has them.

A recording has no file before its first picture. So that no two get the same name meanwhile, a
name is taken from when it is given until its file is there.
"""

from __future__ import annotations

import errno
import os
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from threading import Lock

from twistedcam.errors import BadArgument
from twistedcam.recording.writer.part_file import PREFIX, SUFFIX, part_of
from twistedcam.runtime.file_system import longest_name
from twistedcam.util.camera_name import file_stem, url_safe
from twistedcam.util.escaped_name import show_name

MAX_BYTES = 200
#: Bytes that are kept for the number behind a name that is there already.
_ROOM_FOR_MARK = 6
#: What a file system says that does not take a name; None: Python cannot write it in bytes.
_NAME_ERRORS = frozenset({errno.EILSEQ, errno.EINVAL, errno.ENAMETOOLONG, None})
#: Names that are taken, by all of this process: threads of several recorders look for free ones,
#: and two servers in one program may share a folder.
_taken: set[Path] = set()
_taking = Lock()


def check_plain(name: str) -> str:
    """The name, if it is a plain file name that cannot lead out of the folder.

    Raises:
        BadArgument: it is not.
    """
    if not name or name.startswith(".") or ".." in name or "/" in name or "\\" in name:
        raise BadArgument(f"{name!r} is no plain file name: no separators, no leading dot, no '..'")
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise BadArgument(f"{name!r} has control characters in it")
    if show_name(name) != name:
        raise BadArgument(f"{name!r} is how another name is listed: leave out the '%'")
    if len(name.encode()) > MAX_BYTES:
        raise BadArgument(f"a name has at most {MAX_BYTES} bytes")
    return name


def is_inside(name: str) -> bool:
    """Whether that is the name of a file in the folder, and not of a hidden one.

    What is there already has any name that the system took: no rule for new names holds for it.
    """
    try:
        data = os.fsencode(name)
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can have
        return False
    plain = bool(name) and not name.startswith(".") and b"\0" not in data
    return plain and Path(name).name == name


def check_name(name: str, suffixes: tuple[str, ...], default: str | None = None) -> str:
    """A name that a person gave, if it is a plain file name with a known ending.

    Without an ending it gets ``default``, or the first of ``suffixes``.

    Raises:
        BadArgument: it could lead out of the folder, or says no known format.
    """
    check_plain(name)
    suffix = Path(name).suffix.lower()
    if not suffix:
        return check_plain(name + (default or suffixes[0]))
    if suffix not in suffixes:
        raise BadArgument(f"{name!r}: the ending has to be one of {', '.join(suffixes)}")
    return name


def is_free(folder: Path, name: str) -> bool:
    """Whether nothing has that name, nor is being written to have it."""
    path = (folder / name).absolute()
    return path not in _taken and not _is_there(path)


def take(folder: Path, name: str) -> bool:
    """Take a name until ``give_back``; False if it is not free."""
    path = (folder / name).absolute()
    with _taking:
        if path in _taken:
            return False
        _taken.add(path)
    if _is_there(path):
        give_back(path)
        return False
    return True


def give_back(path: Path) -> None:
    """The file is there, or there will be none. A name that nobody took is as it was."""
    _taken.discard(path.absolute())


def take_free_name(folder: Path, camera: str, when: float, suffix: str) -> str:
    """``CAMERA_2026-11-22_14-03-05.mkv``, with a number if there is one already; taken.

    Spaces in the camera's name are ``_``. On a file system that does not take such a name, or none
    so long, it is the URL-safe form of the camera's name, cut if need be.

    Arguments:
        when: seconds since the UNIX epoch; the name has the local time.
    """
    end = f"_{datetime.fromtimestamp(when):%Y-%m-%d_%H-%M-%S}"
    room = longest_name(folder) - len(PREFIX + SUFFIX) - len(end) - len(suffix) - _ROOM_FOR_MARK
    stem = file_stem(camera)
    try:
        if len(os.fsencode(stem)) <= room:
            return _take_first(folder, (f"{stem}{end}{mark}{suffix}" for mark in _marks()))
    except (OSError, UnicodeError) as error:
        if stem.isascii() or getattr(error, "errno", None) not in _NAME_ERRORS:
            raise
    stem = url_safe(camera)[: max(1, room)]
    return _take_first(folder, (f"{stem}{end}{mark}{suffix}" for mark in _marks()))


def take_next_name(folder: Path, name: str) -> str:
    """``garage-2.mp4`` after ``garage.mp4``, and so on: the first that is free; taken."""
    path = Path(name)
    return _take_first(folder, (f"{path.stem}{mark}{path.suffix}" for mark in _marks()))


def has_suffix(word: str) -> bool:
    """Whether a lone word is meant as a file's name and not as a camera's."""
    return "." in word[1:]


def _is_there(path: Path) -> bool:
    # In this order: a file that gets its name has both for a moment, and never neither.
    return part_of(path).exists() or path.exists()


def _marks() -> Iterator[str]:
    yield ""
    for number in count(2):
        yield f"-{number}"


def _take_first(folder: Path, names: Iterator[str]) -> str:
    return next(name for name in names if take(folder, name))
