"""Lists snapshots, and limits the space that they take on the disk."""

from __future__ import annotations

import os
import threading
import time
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from twistedcam.errors import DiskError
from twistedcam.recording.library.probe import EARLIEST, LATEST
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.disk_space import ROOM, free_bytes
from twistedcam.recording.writer.file_names import camera_of_snapshot
from twistedcam.util.escaped_name import show_name

SUFFIXES = (".jpg", ".jpeg")
#: Seconds for which the sum of the snapshots' sizes is cached.
_CACHED = 10.0


class SnapshotQuota:
    """Counts the bytes of all snapshots in a folder. Any thread can call it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._counted_at: float | None = None
        self._total = 0

    def reserve(self, size: int, most: int) -> bool:
        """Count one more snapshot; False, without counting it, if all exceed ``most`` bytes."""
        with self._lock:
            now = time.monotonic()
            if self._counted_at is None or now - self._counted_at > _CACHED:
                self._total, self._counted_at = self._count(), now
            if self._total + size > most:
                self._counted_at = None  # count again next time: some may be deleted until then
                return False
            self._total += size
            return True

    def _count(self) -> int:
        with os.scandir(self._folder) as entries:
            return sum(
                entry.stat(follow_symlinks=False).st_size
                for entry in entries
                if entry.name.lower().endswith(SUFFIXES)
            )


@cache
def quota_of(folder: Path) -> SnapshotQuota:
    """The quota of a folder, shared by all threads."""
    return SnapshotQuota(folder)


def check_room(folder: Path, size: int, settings: RecordSettings) -> None:
    """Check that one more snapshot can be written.

    Snapshots are never deleted automatically, because somebody asked for each. So they are limited.

    Raises:
        DiskError: a limit is reached; the message says which.
        OSError: the folder cannot be read.
    """
    if free_bytes(folder) - size < max(ROOM, settings.keep_free or 0):
        limit = f" (keep_free={settings.keep_free})" if settings.keep_free else ""
        raise DiskError(f"{folder}: there is no room for another snapshot{limit}")
    if settings.keep and not quota_of(folder).reserve(size, settings.keep):
        raise DiskError(
            f"{folder}: its snapshots would exceed the limit of recordings (keep={settings.keep}):"
            " delete some of them"
        )


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
    return {
        "snapshot": show_name(name),
        "when": datetime.fromtimestamp(start).astimezone().isoformat(timespec="seconds"),
        "camera": camera_of_snapshot(name),
        "start": start,
        "size": status.st_size,
    }
