"""The recordings in order and by time, kept as long as the folder does not change."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import is_
from pathlib import Path
from threading import Lock

from twistedcam.recording.library.probe import LibraryEntry
from twistedcam.recording.library.protection import Protection
from twistedcam.recording.library.time_index import TimeIndex

#: Seconds after which the files are looked at again, even if the folder has not changed: a file may
#: have been changed in place.
_MAX_AGE = 10.0
#: Seconds for which a time of change may stay the same although the folder changes again (FAT: 2).
_COARSE = 2.0

#: The time of change of the folder, and the protected names.
_Stamp = tuple[int, frozenset[str]]


@dataclass(frozen=True)
class Listing:
    """All complete recordings.

    Arguments:
        newest_first: in the order of their starts, the newest first.
        times: the same by camera and time.
        names: their names.
    """

    newest_first: list[LibraryEntry]
    times: TimeIndex
    names: frozenset[str]


class Catalogue:
    """Keeps the sorted list of recordings. All methods block; any thread can call them.

    Sorting 100,000 recordings takes some tenths of a second, and looking at their files as well; if
    the folder has not changed, neither is done again for some seconds; if the files are the same
    then, they are not sorted again.
    """

    def __init__(self, folder: Path, protection: Protection) -> None:
        self._folder = folder
        self._protection = protection
        self._lock = Lock()
        self._listing: Listing | None = None
        #: What the listing was made from: the recordings, and the protected names.
        self._made_of: tuple[list[LibraryEntry], frozenset[str]] | None = None
        self._stamp: _Stamp | None = None
        self._at = 0.0

    def get(self, look: Callable[[], list[LibraryEntry]], is_final: bool = True) -> Listing:
        """The recordings now.

        Arguments:
            look: reads the folder; called if that is needed.
            is_final: False while new files are still being read: the result is not kept.

        Raises:
            OSError: the folder cannot be read.
        """
        with self._lock:
            stamp = self._look()
            fresh = time.monotonic() - self._at < _MAX_AGE
            if self._listing is not None and fresh and stamp is not None and stamp == self._stamp:
                return self._listing
            items, names = look(), self._protection.names()
            if self._listing is None or not self._is_made_of(items, names):
                self._listing = self._make(items, names)
                self._made_of = items, names
            self._stamp, self._at = (stamp if is_final else None), time.monotonic()
            return self._listing

    def forget(self) -> None:
        """Look at the files again next time."""
        self._stamp = None

    def _look(self) -> _Stamp | None:
        """The stamp of the folder; None if it may change without the stamp changing."""
        try:
            changed = os.stat(self._folder).st_mtime_ns
        except OSError:
            return None
        if abs(time.time() - changed / 1e9) < _COARSE:
            return None
        return changed, self._protection.names()

    def _is_made_of(self, items: list[LibraryEntry], names: frozenset[str]) -> bool:
        """True if the listing has these very objects: an unchanged file keeps its object."""
        if self._made_of is None or names != self._made_of[1]:
            return False
        known = self._made_of[0]
        return len(items) == len(known) and all(map(is_, items, known))

    def _make(self, items: list[LibraryEntry], names: frozenset[str]) -> Listing:
        if names:
            items = [
                replace(item, protected=True) if item.recording in names else item for item in items
            ]
        items = sorted(items, key=lambda item: (item.start, item.recording), reverse=True)
        return Listing(items, TimeIndex(items), frozenset(item.recording for item in items))
