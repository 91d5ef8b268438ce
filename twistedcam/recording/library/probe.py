"""What a recording is, from the file itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from twistedcam.recording.media_worker.film import Head
from twistedcam.recording.media_worker.source import NotAFilm
from twistedcam.recording.writer.metadata_tag import Tag
from twistedcam.util.escaped_name import show_name

#: Files that may be recordings: this program's own kinds, and what a person may copy in.
SUFFIXES = frozenset({".mp4", ".mkv", ".avi", ".mov", ".m4v", ".webm"})
#: Times that a file can have or say, in seconds since the UNIX epoch, and that have a date
#: everywhere on earth: years 2 to 9998. Others count as the nearest of these, or as not said.
EARLIEST, LATEST = -62_104_000_000.0, 253_370_000_000.0


@dataclass(frozen=True)
class Item:
    """A recording in the folder.

    Arguments:
        recording: the file's name, as ``show_name`` gives it.
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


def probe(name: str, found: os.stat_result, head: Head | NotAFilm) -> Item:
    """What a file is. What is no film has neither codec nor length.

    Arguments:
        name: the file's name.
        found: the file's size and times.
        head: what its container says, or why that cannot be read.
    """
    item = of_file(name, found)
    if isinstance(head, NotAFilm):
        return item
    tag = Tag.parse(head.said.get("comment", ""))
    start = began_at(head.said) or item.start
    return Item(
        item.recording,
        tag.camera if tag else None,
        start,
        head.seconds,
        item.size,
        head.codec,
        head.width,
        head.height,
        dropped=tag.dropped if tag else None,
        own=tag is not None and tag.name == name,
        since=tag.made if tag and tag.made is not None else max(start, item.start),
        boot=tag.boot if tag else None,
        up=tag.up if tag else None,
    )


def of_file(name: str, found: os.stat_result) -> Item:
    """What can be told of a file that was not read."""
    changed = min(max(found.st_mtime, EARLIEST), LATEST)
    return Item(show_name(name), None, changed, None, found.st_size, since=changed)


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
        if said.tzinfo is not None and EARLIEST <= (when := said.timestamp()) <= LATEST:
            return when
    return None
