"""One picture as a file beside the recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from twistedcam.errors import BadArgument, DiskError
from twistedcam.events import RecordingChanged
from twistedcam.frame import Frame
from twistedcam.recording.names import check_name, free_name

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.server import Server

SUFFIXES = (".jpg", ".jpeg")


async def write_snapshot(server: Server, camera: Camera, frame: Frame, name: str | None) -> str:
    """Write the frame's JPEG as it is; the file's name.

    Raises:
        BadArgument: that is no name for a picture, or there is one of that name.
        DiskError: it could not be written.
    """
    if name is not None:
        name = check_name(name, SUFFIXES)
    thread = server.make_thread()
    try:
        written = await thread.run(lambda: _write(server.recordings, camera.name, frame, name))
    finally:
        thread.end()
    event = RecordingChanged(camera.name, "snapshot", written, frames=1, bytes=len(frame.jpeg))
    server.events.publish(event)
    return written


def _write(folder: Path, camera: str, frame: Frame, name: str | None) -> str:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        chosen = name or free_name(folder, camera, frame.time, SUFFIXES[0])
        with open(folder / chosen, "xb") as file:
            file.write(frame.jpeg)
    except FileExistsError:
        raise BadArgument(f"there is a file {chosen!r} already") from None
    except OSError as error:
        raise DiskError(f"{folder}: {error.strerror}") from error
    return chosen
