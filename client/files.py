"""Files written by the viewer, whose names contain texts of a server."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from twistedcam.clients.frames.packet_queue import AnyFrame
from twistedcam.errors import BadArgument, DiskError
from twistedcam.media.frame import Frame
from twistedcam.util.camera_name import check_name, file_stem

#: The JPEG quality of pictures that the server does not send as JPEG.
_QUALITY = 90


def make_folder(folder: Path | None) -> None:
    """Create a folder if it is missing. None means no folder."""
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"the folder {folder} cannot be made: {error.strerror}") from None


def save_frame(folder: Path, camera: str | None, frame: AnyFrame) -> Path:
    """Write the frame's JPEG unchanged, or its picture as a JPEG, named by the frame's number.

    Arguments:
        camera: the start of the name, if there are several cameras.
    """
    # A restarted server counts from 1 again, and the folder may have been used before.
    path = folder / f"{plain(camera) + '-' if camera else ''}{frame.seq:08d}.jpg"
    return _write(path, frame)


def save_snapshot(folder: Path, camera: str, frame: AnyFrame) -> Path:
    """Write the frame's JPEG, named by camera and time of capture."""
    return _write(dated(folder, camera, frame.time, ".jpg"), frame)


def dated(folder: Path, camera: str, when: float | None, ending: str) -> Path:
    """Return an unused path such as ``CAMERA_2026-11-22_14-03-05.123.jpg``."""
    try:
        moment = datetime.fromtimestamp(time.time() if when is None else when)
    except (ValueError, OverflowError, OSError):  # a server can send a time outside the calendar
        moment = datetime.now()
    base = f"{plain(camera)}_{moment:%Y-%m-%d_%H-%M-%S}.{moment.microsecond // 1000:03d}"
    path, number = folder / (base + ending), 1
    while path.exists():
        number += 1
        path = folder / f"{base}-{number}{ending}"
    return path


def plain(camera: str) -> str:
    """Return a camera's name for a file name. An invalid name loses its special characters."""
    with suppress(BadArgument):
        return file_stem(check_name(camera))
    return re.sub(r"[^A-Za-z0-9_.-]", "_", camera).lstrip(".-")[:64] or "camera"


def _write(path: Path, frame: AnyFrame) -> Path:
    """Write a picture without replacing another one."""
    data = _jpeg_of(frame)
    number, free = 1, path
    while True:
        try:
            with free.open("xb") as file:
                file.write(data)
            return free
        except FileExistsError:
            number += 1
            free = path.with_stem(f"{path.stem}-{number}")
        except OSError as error:
            raise DiskError(f"{free}: {error.strerror}") from None


def _jpeg_of(frame: AnyFrame) -> bytes:
    """Return the frame's JPEG, which is encoded here if the camera gives another codec."""
    if isinstance(frame, Frame):
        return frame.jpeg
    import cv2

    try:
        image = frame.image
    except ValueError as error:
        raise DiskError(f"the picture cannot be saved: {error}") from None
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
