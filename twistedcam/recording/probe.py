"""What a recording is, from the file itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import av.error

from twistedcam.recording.tag import Tag

#: Files that may be recordings: this program's own kinds, and what a person may copy in.
SUFFIXES = frozenset({".mp4", ".mkv", ".avi", ".mov", ".m4v", ".webm"})
_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Item:
    """A recording in the folder.

    Arguments:
        recording: the file's name.
        camera: the camera's name; None if the file does not say.
        start: seconds since the UNIX epoch of its first frame; of its last change, if it does
            not say.
        seconds: how long it plays; None if that cannot be told.
        size: bytes.
        codec: such as ``h264`` or ``mjpeg``; None if no film can be read from it.
        width, height: pixels.
        complete: False while it is being written.
        dropped: frames that the recorder had to leave out; None if the file does not say.
        own: whether this program made it and it still has the name that it was given then.
        since: seconds since the UNIX epoch from when on this computer has had it: as the file
            says, or else by the later of its start and its last change; None while it is written.
        boot, up: the boot of the computer in which it was begun, and the seconds since that boot;
            None if the file does not say.
    """

    recording: str
    camera: str | None
    start: float
    seconds: float | None
    size: int
    codec: str | None = None
    width: int = 0
    height: int = 0
    complete: bool = True
    dropped: int | None = None
    own: bool = False
    since: float | None = None
    boot: str | None = None
    up: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """As plain values, the name first."""
        return dict(vars(self))


def probe(path: Path, known: os.stat_result | None = None) -> Item:
    """Read a file's head. What is no film has neither codec nor length.

    Raises:
        OSError: the file cannot be read.
    """
    found = known or path.stat()
    item = Item(path.name, None, found.st_mtime, None, found.st_size, since=found.st_mtime)
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            return _read(container, item)
    except (av.error.FFmpegError, ValueError, IndexError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        return item


def _read(container: Any, item: Item) -> Item:
    metadata = {key.lower(): value for key, value in container.metadata.items()}
    tag = Tag.parse(metadata.get("comment", ""))
    stream = container.streams.video[0] if container.streams.video else None
    duration = container.duration
    if duration is None and stream is not None and stream.duration is not None:
        duration = float(stream.duration * stream.time_base) * _MICROSECONDS
    start = began_at(metadata) or item.start
    return Item(
        item.recording,
        tag.camera if tag else None,
        start,
        None if duration is None or duration < 0 else round(duration / _MICROSECONDS, 3),
        item.size,
        stream.codec_context.name if stream is not None else None,
        stream.width if stream is not None else 0,
        stream.height if stream is not None else 0,
        dropped=tag.dropped if tag else None,
        own=tag is not None and tag.name == item.recording,
        since=tag.made if tag and tag.made is not None else max(start, item.start),
        boot=tag.boot if tag else None,
        up=tag.up if tag else None,
    )


def began_at(metadata: dict[str, str]) -> float | None:
    """The most exact of what a file says of its beginning, in seconds since the UNIX epoch.

    Arguments:
        metadata: by names in small letters.
    """
    for key in ("date", "creation_time"):
        try:
            said = datetime.fromisoformat(metadata[key])
        except (KeyError, ValueError):
            continue
        if said.tzinfo is not None:
            return said.timestamp()
    return None
