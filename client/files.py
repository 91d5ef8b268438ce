"""Files that the viewer writes, with a server's words in their names."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from twistedcam.errors import BadArgument, DiskError
from twistedcam.media.frame import Frame
from twistedcam.util.camera_name import check_name, file_stem


def make_folder(folder: Path | None) -> None:
    """Make the folder, if one is asked for and is not there."""
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"no folder {folder}: {error.strerror}") from None


def save_frame(folder: Path, camera: str | None, frame: Frame) -> Path:
    """Write the frame's JPEG as it came; the file has the frame's number in its name.

    Arguments:
        camera: to begin the name with, where there are several.
    """
    # A server that has begun anew counts from 1 again, and the folder may have been used before.
    path = folder / f"{plain(camera) + '-' if camera else ''}{frame.seq:08d}.jpg"
    return _write(path, frame)


def save_snapshot(folder: Path, camera: str, frame: Frame) -> Path:
    """Write the frame's JPEG under the camera's name and the time of capture."""
    return _write(dated(folder, camera, frame.time, ".jpg"), frame)


def dated(folder: Path, camera: str, when: float | None, ending: str) -> Path:
    """``CAMERA_2026-11-22_14-03-05.123.jpg``: a path that is still free."""
    try:
        moment = datetime.fromtimestamp(time.time() if when is None else when)
    except (ValueError, OverflowError, OSError):  # a server may say a time of no calendar
        moment = datetime.now()
    base = f"{plain(camera)}_{moment:%Y-%m-%d_%H-%M-%S}.{moment.microsecond // 1000:03d}"
    path, number = folder / (base + ending), 1
    while path.exists():
        number += 1
        path = folder / f"{base}-{number}{ending}"
    return path


def plain(camera: str) -> str:
    """A camera's name as a word in a file's; of a name that no camera can have what is plain."""
    with suppress(BadArgument):
        return file_stem(check_name(camera))
    return re.sub(r"[^A-Za-z0-9_.-]", "_", camera).lstrip(".-")[:64] or "camera"


def _write(path: Path, frame: Frame) -> Path:
    """Write it beside what is there: no picture takes another's place."""
    number, free = 1, path
    while True:
        try:
            with free.open("xb") as file:
                file.write(frame.jpeg)
            return free
        except FileExistsError:
            number += 1
            free = path.with_stem(f"{path.stem}-{number}")
        except OSError as error:
            raise DiskError(f"{free}: {error.strerror}") from None
