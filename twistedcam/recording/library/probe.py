"""Recordings as items of the library, from their files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from twistedcam.recording.media_worker.video_file import Head, UnreadableVideo
from twistedcam.recording.writer.metadata_tag import RecordingKind, Tag
from twistedcam.util.escaped_name import show_name

#: Endings of recordings: this program's own formats, and what a user may copy in.
SUFFIXES = frozenset({".mp4", ".mkv", ".avi", ".mov", ".m4v", ".webm"})
#: Times that have a date in all time zones, in seconds since the UNIX epoch: years 2 to 9998. A
#: time of change outside is clamped, one in the metadata ignored.
EARLIEST, LATEST = -62_104_000_000.0, 253_370_000_000.0


@dataclass(frozen=True)
class LibraryEntry:
    """A recording in the folder.

    Arguments:
        recording: the file's name, as from ``show_name``.
        camera: the camera's name; None if unknown.
        start: time of its first frame, or else of its last change, in seconds since the UNIX epoch.
        seconds: duration; None if unknown.
        size: bytes.
        codec: such as ``h264`` or ``mjpeg``; None if there is no readable video.
        width, height: pixels.
        complete: False while it is being written.
        dropped: frames that the recorder had to leave out; None if unknown.
        own: True if this program made it and it has its original name.
        since: time since which this computer has it, in seconds since the UNIX epoch: from the
            file, or else the later of its start and its last change; None while it is written.
        boot, up: id of the boot in which it was begun, and seconds since that boot; None if
            unknown.
        kind: see ``Tag``.
        fps: frames a second on average; None if unknown.
        layout: the numbers of a ``MovieLayout``; None if it is no MP4 that can be copied from.
        protected: True if it is kept whatever the limits are.
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
    kind: RecordingKind = "recording"
    fps: float | None = None
    layout: tuple[int, ...] | None = None
    protected: bool = False

    @property
    def order(self) -> tuple[float, str]:
        """Its place among others: by its start."""
        return self.start, self.recording

    def as_dict(self) -> dict[str, Any]:
        """The fields as a dictionary, the name first."""
        return dict(vars(self))


def probe(name: str, found: os.stat_result, head: Head | UnreadableVideo) -> LibraryEntry:
    """The item of a file. Without a readable header it has neither codec nor duration.

    Arguments:
        found: the file's size and times.
        head: its header, or why that cannot be read.
    """
    item = of_file(name, found)
    if isinstance(head, UnreadableVideo):
        return item
    tag = Tag.parse(head.metadata.get("comment", ""))
    start = start_time(head.metadata) or item.start
    return LibraryEntry(
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
        kind=tag.kind if tag else "recording",
        fps=head.fps,
        layout=head.layout,
    )


def of_file(name: str, found: os.stat_result) -> LibraryEntry:
    """The item of a file that was not read."""
    changed = min(max(found.st_mtime, EARLIEST), LATEST)
    return LibraryEntry(show_name(name), None, changed, None, found.st_size, since=changed)


def start_time(metadata: dict[str, str]) -> float | None:
    """The start of a recording from its metadata, in seconds since the UNIX epoch; or None.

    Arguments:
        metadata: texts by names in small letters.
    """
    for key in ("date", "creation_time"):
        try:
            date = datetime.fromisoformat(metadata[key])
        except (KeyError, ValueError):
            continue
        if date.tzinfo is not None and EARLIEST <= (when := date.timestamp()) <= LATEST:
            return when
    return None
