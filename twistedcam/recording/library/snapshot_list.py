"""The snapshots in the recordings folder."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from twistedcam.recording.library.probe import EARLIEST, LATEST
from twistedcam.recording.library.snapshot_quota import SUFFIXES
from twistedcam.util.escaped_name import show_name

#: Names that are given here: with the time, or by a token for some cameras with its own name. They
#: begin as camera_name.file_stem or url_safe has it.
_OWN_NAME = re.compile(r"([^+]+?)(?:_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d(?:-\d+)?|\+.+)\.jpe?g", re.I)


def list_snapshots(folder: Path) -> list[dict[str, Any]]:
    """All pictures in the folder, newest first, each as it is answered. Blocks.

    Regular files alone are listed: nothing that a link leads to.

    Raises:
        OSError: the folder cannot be read.
    """
    found = []
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return []  # nothing was written yet
    with entries:
        for entry in entries:
            hidden = entry.name.startswith(".")
            if hidden or not entry.name.lower().endswith(SUFFIXES):
                continue
            try:
                if entry.is_file(follow_symlinks=False):
                    found.append(_shown(entry.name, entry.stat(follow_symlinks=False)))
            except FileNotFoundError:
                continue  # deleted just now
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
