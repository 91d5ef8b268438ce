"""Lists the snapshots in the recordings folder."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from twistedcam.recording.library.probe import EARLIEST, LATEST
from twistedcam.recording.library.snapshot_quota import SUFFIXES
from twistedcam.util.escaped_name import show_name

#: Names that this program gives: the camera's name (``camera_name.file_stem`` or ``url_safe``) with
#: the time, or with a name that a client with a token for some cameras has given.
_OWN_NAME = re.compile(r"([^+]+?)(?:_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d(?:-\d+)?|\+.+)\.jpe?g", re.I)


def list_snapshots(folder: Path) -> list[dict[str, Any]]:
    """All snapshots in the folder, newest first, as dictionaries. Blocks.

    Only regular files are listed; links are not followed.

    Raises:
        OSError: the folder cannot be read.
    """
    found = []
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return []  # nothing has been written yet
    with entries:
        for entry in entries:
            hidden = entry.name.startswith(".")
            if hidden or not entry.name.lower().endswith(SUFFIXES):
                continue
            try:
                if entry.is_file(follow_symlinks=False):
                    found.append(_shown(entry.name, entry.stat(follow_symlinks=False)))
            except FileNotFoundError:
                continue  # deleted meanwhile
    found.sort(key=lambda each: (each["start"], each["snapshot"]), reverse=True)
    return found


def _shown(name: str, status: os.stat_result) -> dict[str, Any]:
    start = min(max(status.st_mtime, EARLIEST), LATEST)
    own = _OWN_NAME.fullmatch(name)
    return {
        "snapshot": show_name(name),
        "when": datetime.fromtimestamp(start).astimezone().isoformat(timespec="seconds"),
        "camera": own[1] if own else None,
        "start": start,
        "size": status.st_size,
    }
