"""Names of files in the recordings folder, and their reservation.

A recording has no file before its first picture. Its name is reserved until its file exists, so
that no other recording gets the same name.
"""

from __future__ import annotations

import errno
import os
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from threading import Lock

from twistedcam.errors import BadArgument
from twistedcam.recording.writer.part_file import PREFIX, SUFFIX, part_of
from twistedcam.runtime.file_system import max_name_length
from twistedcam.util.camera_name import file_stem, url_safe
from twistedcam.util.escaped_name import show_name

MAX_BYTES = 200
#: Bytes for the number that is added to a name in use.
_ROOM_FOR_MARK = 6
#: Errors for a name that a file system does not accept; None: it cannot be encoded as bytes.
_NAME_ERRORS = frozenset({errno.EILSEQ, errno.EINVAL, errno.ENAMETOOLONG, None})
#: Names of snapshots that this program gives: the camera (``file_stem`` or ``url_safe``) with the
#: time, or with a name that a client with a token for some cameras has given.
_OWN_SNAPSHOT = re.compile(
    r"([^+]+?)(?:_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d(?:-\d+)?|\+.+)\.jpe?g", re.I
)
#: Reserved paths of the whole process: several threads look for free names, and two servers in one
#: process may share a folder.
_reserved: set[Path] = set()
_lock = Lock()


def check_plain(name: str) -> str:
    """Return the name if it is a plain file name, which cannot lead out of the folder.

    Raises:
        BadArgument: it is not one.
    """
    if not name or name.startswith(".") or ".." in name or "/" in name or "\\" in name:
        raise BadArgument(
            f"{name!r} is not a plain file name: no separators, no leading dot, no '..'"
        )
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise BadArgument(f"{name!r} contains control characters")
    if show_name(name) != name:
        raise BadArgument(f"{name!r} is the listed form of another name: leave out the '%'")
    if len(name.encode()) > MAX_BYTES:
        raise BadArgument(f"a name has at most {MAX_BYTES} bytes")
    return name


def camera_of_snapshot(name: str) -> str | None:
    """The camera of a snapshot by its file's name; None if another program gave that."""
    own = _OWN_SNAPSHOT.fullmatch(name)
    return own[1] if own else None


def is_inside(name: str) -> bool:
    """True if that can be the name of a file in the folder that is not hidden.

    Existing files may have any name that the system accepts: rules for new names do not apply.
    """
    try:
        data = os.fsencode(name)
    except UnicodeEncodeError:  # a lone surrogate, which JSON allows
        return False
    plain = bool(name) and not name.startswith(".") and b"\0" not in data
    return plain and Path(name).name == name


def check_name(name: str, suffixes: tuple[str, ...], default: str | None = None) -> str:
    """Return a name given by a person, if it is a plain file name with a known ending.

    A name without an ending gets ``default``, or the first of ``suffixes``.

    Raises:
        BadArgument: it is no plain file name, or its ending is unknown.
    """
    check_plain(name)
    suffix = Path(name).suffix.lower()
    if not suffix:
        return check_plain(name + (default or suffixes[0]))
    if suffix not in suffixes:
        raise BadArgument(f"{name!r}: the ending has to be one of {', '.join(suffixes)}")
    return name


def is_free(folder: Path, name: str) -> bool:
    """True if no file has that name, and none is being written for it."""
    path = (folder / name).absolute()
    return path not in _reserved and not _is_there(path)


def reserve(folder: Path, name: str) -> bool:
    """Reserve a name until ``release_name``; False if it is not free."""
    path = (folder / name).absolute()
    with _lock:
        if path in _reserved:
            return False
        _reserved.add(path)
    if _is_there(path):
        release_name(path)
        return False
    return True


def release_name(path: Path) -> None:
    """Release a name: its file exists, or there will be none."""
    _reserved.discard(path.absolute())


def reserve_free_name(folder: Path, camera: str, when: float, suffix: str) -> str:
    """Reserve ``CAMERA_2026-11-22_14-03-05.mkv``, with a number if that name is in use.

    Spaces in the camera's name become ``_``. If the file system does not accept such a name, or one
    of that length, the URL-safe form of the camera's name is used, shortened if need be.

    Arguments:
        when: seconds since the UNIX epoch; the name has the local time.
    """
    end = f"_{datetime.fromtimestamp(when):%Y-%m-%d_%H-%M-%S}"
    room = max_name_length(folder) - len(PREFIX + SUFFIX) - len(end) - len(suffix) - _ROOM_FOR_MARK
    stem = file_stem(camera)
    try:
        if len(os.fsencode(stem)) <= room:
            return _reserve_first(folder, (f"{stem}{end}{mark}{suffix}" for mark in _marks()))
    except (OSError, UnicodeError) as error:
        if stem.isascii() or getattr(error, "errno", None) not in _NAME_ERRORS:
            raise
    stem = url_safe(camera)[: max(1, room)]
    return _reserve_first(folder, (f"{stem}{end}{mark}{suffix}" for mark in _marks()))


def reserve_next_name(folder: Path, name: str) -> str:
    """Reserve ``garage-2.mp4`` after ``garage.mp4``, or the first number that is free."""
    path = Path(name)
    return _reserve_first(folder, (f"{path.stem}{mark}{path.suffix}" for mark in _marks()))


def has_suffix(word: str) -> bool:
    """True if a word on its own is meant as a file's name, not as a camera's."""
    return "." in word[1:]


def _is_there(path: Path) -> bool:
    # In this order: a file that gets its final name has both names meanwhile, and never none.
    return part_of(path).exists() or path.exists()


def _marks() -> Iterator[str]:
    yield ""
    for number in count(2):
        yield f"-{number}"


def _reserve_first(folder: Path, names: Iterator[str]) -> str:
    return next(name for name in names if reserve(folder, name))
