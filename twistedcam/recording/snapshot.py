"""Writes one picture as a file beside the recordings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from secrets import token_hex

from twistedcam.camera import Camera
from twistedcam.errors import BadArgument, DiskError
from twistedcam.events import EventBus, RecordingChanged
from twistedcam.media.frame import Frame
from twistedcam.recording.library.snapshots import SUFFIXES, check_room
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.file_names import (
    check_name,
    release_name,
    reserve,
    reserve_free_name,
)
from twistedcam.runtime.atomic_file import sync_file, sync_folder
from twistedcam.runtime.file_system import move_without_replacing
from twistedcam.runtime.threads import Thread, run_in_thread

_NO_LIMITS = RecordSettings()


async def write_snapshot(
    folder: Path,
    camera: Camera,
    frame: Frame,
    name: str | None,
    make_thread: Callable[[], Thread],
    events: EventBus,
    settings: RecordSettings = _NO_LIMITS,
) -> str:
    """Write the frame's JPEG as it is, and return the file's name.

    Arguments:
        settings: those of the camera's recordings; their limits apply to snapshots too.

    Raises:
        BadArgument: the name is not valid for a picture, or is in use.
        DiskError: the file cannot be written, or snapshots have reached their limit.
    """
    if name is not None:
        name = check_name(name, SUFFIXES)
    written = await run_in_thread(
        make_thread, lambda: _write(folder, camera.name, frame, name, settings)
    )
    event = RecordingChanged(camera.name, "snapshot", written, frames=1, bytes=len(frame.jpeg))
    events.publish(event)
    return written


def _write(
    folder: Path, camera: str, frame: Frame, name: str | None, settings: RecordSettings = _NO_LIMITS
) -> str:
    """Write a hidden file, then give it its name, so that the picture is complete there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_room(folder, len(frame.jpeg), settings)
        if name is not None and not reserve(folder, name):
            raise BadArgument(f"there is a file {name!r} already")
        chosen = name or reserve_free_name(folder, camera, frame.time, SUFFIXES[0])
        hidden = folder / f".{chosen}.{token_hex(4)}.new"
        try:
            with open(hidden, "xb") as file:
                file.write(frame.jpeg)
                file.flush()
                sync_file(file.fileno())
            written = move_without_replacing(hidden, folder / chosen).name
            sync_folder(folder)
            return written
        except OSError:
            hidden.unlink(missing_ok=True)
            raise
        finally:
            release_name(folder / chosen)
    except OSError as error:
        raise DiskError(f"{folder}: {error.strerror}") from error
