"""The comment in a recording's metadata that marks it as this program's own."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from twistedcam.version import __version__

#: Bytes at both ends of a file that are searched for the tag.
_SEARCHED = 1 << 20
_UNKNOWN = "-" * 10
RecordingKind = Literal["recording", "export", "timelapse"]
_KINDS: dict[str, RecordingKind] = {"export": "export", "timelapse": "timelapse"}
_TAG = re.compile(
    r"twistedcam (?P<version>\S+) camera=(?P<camera>[^=\r\n]{1,64}) dropped=(?P<dropped>[-\d]{10})"
    r"(?: made=(?P<made>\d{1,11}(?:\.\d{1,6})?))?"
    r"(?: boot=(?P<boot>[0-9a-f]{16}) up=(?P<up>\d{1,10}(?:\.\d{1,6})?))?"
    r"(?: kind=(?P<kind>export|timelapse))?"
    r" name=(?P<name>.{1,255})",
    re.DOTALL,
)


def utc_text(time: float) -> str:
    """Return a time in seconds since the UNIX epoch as ISO 8601 in UTC, to the microsecond."""
    date = datetime.fromtimestamp(time, UTC)
    return date.isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Tag:
    """The comment in a recording's metadata.

    Arguments:
        name: the file's name. A copy with another name belongs to the user, and is never deleted to
            make room.
        dropped: frames that the recorder had to leave out, or None.
        made: start of the file by this computer's clock, in seconds since the UNIX epoch, or None.
            The clock of the camera may be wrong.
        boot, up: the computer's boot id, and the seconds from that boot to the start of the file,
            or None. They do not depend on the wall clock.
        kind: ``recording``; ``export`` for a part of recordings; ``timelapse`` if it is played
            faster than it was recorded.
    """

    camera: str
    name: str
    dropped: int | None = None
    made: float | None = None
    boot: str | None = None
    up: float | None = None
    kind: RecordingKind = "recording"

    def __str__(self) -> str:
        dropped = _UNKNOWN if self.dropped is None else f"{self.dropped:010d}"
        made = "" if self.made is None else f" made={self.made:.3f}"
        boot = f" boot={self.boot} up={self.up:.3f}" if self.boot and self.up is not None else ""
        kind = "" if self.kind == "recording" else f" kind={self.kind}"
        shown = f"camera={self.camera} dropped={dropped}{made}{boot}{kind} name={self.name}"
        return f"twistedcam {__version__} {shown}"

    @classmethod
    def parse(cls, text: str) -> Tag | None:
        """The tag in a comment, or None if it has another form."""
        match = _TAG.fullmatch(text)
        if match is None:
            return None
        dropped = match["dropped"]
        known = int(dropped) if dropped.isdigit() else None
        made = float(match["made"]) if match["made"] else None
        up = float(match["up"]) if match["up"] else None
        kind = _KINDS.get(match["kind"], "recording")
        return cls(match["camera"], match["name"], known, made, match["boot"], up, kind)


def write_dropped(fd: int, dropped: int) -> None:
    """Write the count of dropped frames over its placeholder in a finished file.

    Containers write their metadata first, when the count is unknown.

    Raises:
        OSError: the file cannot be read or written.
    """
    length = os.fstat(fd).st_size
    if not length:
        return
    kept = f"dropped={_UNKNOWN}".encode()
    known = f"dropped={dropped:010d}".encode()
    for start in {0, max(0, length - _SEARCHED)}:
        data = os.pread(fd, _SEARCHED, start)
        at = data.find(kept)
        while at >= 0:
            os.pwrite(fd, known, start + at)
            at = data.find(kept, at + len(known))
