"""Renames recordings and snapshots, and never replaces another file."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from twistedcam.errors import BadArgument, DiskError, NoSuchRecording
from twistedcam.recording.library.protection import Protection
from twistedcam.recording.writer.file_names import check_name, release_name, reserve
from twistedcam.util.escaped_name import show_name


def rename_file(path: Path, new: str, protection: Protection) -> Path:
    """Give a file of the folder another name, and return its new path. Blocks.

    A protected recording stays protected. After a crash the file has its old name, its new name or
    both, and it is protected if it was.

    Arguments:
        path: the file, which is not being written.
        new: a plain file name; without an ending it gets that of the file.

    Raises:
        BadArgument: the new name is not valid, has another ending, or is in use.
        NoSuchRecording: the file is gone.
        DiskError: it cannot be renamed; it has its old name.
    """
    shown = show_name(path.name)
    target = path.with_name(check_name(new, (path.suffix.lower(),), path.suffix))
    if target.name == path.name:
        raise BadArgument(f"{shown!r} has that name already")
    if not reserve(path.parent, target.name):
        raise BadArgument(f"there is a file {target.name!r} already: choose another name")
    try:
        is_protected = shown in protection.names()
        is_link = _give_second_name(path, target)
        try:
            if is_protected:
                protection.change(target.name, True)
        except BaseException:
            if is_link:
                target.unlink(missing_ok=True)
            raise
        if is_link:
            os.unlink(path)
        else:
            os.rename(path, target)
        if is_protected:
            with suppress(OSError, ValueError):  # a name without a file does no harm
                protection.change(shown, False)
    except FileNotFoundError:
        raise NoSuchRecording(f"there is no recording {shown!r}") from None
    except FileExistsError:
        raise BadArgument(f"there is a file {target.name!r} already: choose another name") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DiskError(f"{shown!r} cannot be renamed: {reason}") from error
    finally:
        release_name(target)
    return target


def _give_second_name(path: Path, target: Path) -> bool:
    """Make a hard link, which never replaces a file; False where there are none.

    Raises:
        FileNotFoundError, FileExistsError: there is no such file, or there is one of the new name.
    """
    try:
        os.link(path, target, follow_symlinks=False)
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError:
        if os.path.lexists(target):
            raise FileExistsError(str(target)) from None
        return False
    return True
