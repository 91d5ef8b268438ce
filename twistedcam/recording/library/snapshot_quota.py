"""What snapshots may take of the recordings' disk."""

from __future__ import annotations

import os
import threading
import time
from functools import cache
from pathlib import Path

from twistedcam.errors import DiskError
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.disk_space import ROOM, free_bytes

SUFFIXES = (".jpg", ".jpeg")
#: Seconds for which the sum of the pictures' sizes is believed.
_BELIEVED = 10.0


class SnapshotQuota:
    """The bytes of all pictures in a folder. For any thread.

    Arguments:
        folder: the recordings' folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._counted_at: float | None = None
        self._total = 0

    def reserve(self, size: int, most: int) -> bool:
        """Count one more picture; False, and it is not counted, if they are too many then."""
        with self._lock:
            now = time.monotonic()
            if self._counted_at is None or now - self._counted_at > _BELIEVED:
                self._total, self._counted_at = self._count(), now
            if self._total + size > most:
                self._counted_at = None  # some may have been deleted when it is asked again
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
def pictures_in(folder: Path) -> SnapshotQuota:
    """What is known of the pictures in that folder."""
    return SnapshotQuota(folder)


def check_room(folder: Path, size: int, settings: RecordSettings) -> None:
    """See that one more picture may be written.

    Pictures are never deleted to make room: somebody asked for each. So they have a limit instead.

    Arguments:
        size: bytes of the picture.
        settings: those of the camera's recordings.

    Raises:
        DiskError: it may not; the message says why.
        OSError: the folder cannot be read.
    """
    if free_bytes(folder) - size < max(ROOM, settings.keep_free or 0):
        limit = f" (keep_free={settings.keep_free})" if settings.keep_free else ""
        raise DiskError(f"{folder}: there is no room for another picture{limit}")
    if settings.keep and not pictures_in(folder).reserve(size, settings.keep):
        raise DiskError(
            f"{folder}: its pictures would take more than recordings may (keep={settings.keep}):"
            " delete some"
        )
