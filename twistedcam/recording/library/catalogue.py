"""The recordings in order and by time, kept as long as the folder does not change."""

from __future__ import annotations

import math
import os
import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import attrgetter, is_
from pathlib import Path
from threading import Lock

from twistedcam.recording.library.probe import LibraryEntry
from twistedcam.recording.library.protection import Protection
from twistedcam.recording.library.time_index import TimeIndex

#: Seconds after which the files are looked at again, even if the folder has not changed: a file may
#: have been changed in place.
_MAX_AGE = 10.0
#: Recordings that may be new or gone without all being sorted again, or one of a hundred.
_FEW = 100
#: Seconds for which a time of change may stay the same although the folder changes again (FAT: 2).
_COARSE_TIME = 2.0

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

    Sorting 100,000 recordings takes a second, and looking at their files half a second. So if the
    folder has not changed, neither is done again for some seconds; and if only a few recordings are
    new or gone, the others are not sorted again.
    """

    def __init__(self, folder: Path, protection: Protection) -> None:
        self._folder = folder
        self._protection = protection
        self._lock = Lock()
        self._listing: Listing | None = None
        #: What the listing was made from: the recordings, and the protected names.
        self._made_of: tuple[list[LibraryEntry], frozenset[str]] | None = None
        self._stamp: _Stamp | None = None
        #: When all files were looked at.
        self._at = -math.inf

    def get(self, look: Callable[[bool], list[LibraryEntry]], is_final: bool = True) -> Listing:
        """The recordings now.

        Arguments:
            look: reads the folder; called if that is needed, with True to find also files that were
                changed in place.
            is_final: False while new files are still being read: the result is not kept.

        Raises:
            OSError: the folder cannot be read.
        """
        with self._lock:
            stamp, now = self._stamp_now(), time.monotonic()
            is_fresh = now - self._at < _MAX_AGE
            if (
                self._listing is not None
                and is_fresh
                and stamp is not None
                and stamp == self._stamp
            ):
                return self._listing
            items, names = look(not is_fresh), self._protection.names()
            self._listing = self._update(items, names)
            self._made_of = items, names
            self._stamp = stamp if is_final else None
            if not is_fresh:
                self._at = now
            return self._listing

    def forget(self) -> None:
        """Look at the folder again next time."""
        self._stamp = None

    def _stamp_now(self) -> _Stamp | None:
        """The stamp of the folder; None if it may change without the stamp changing."""
        try:
            changed = os.stat(self._folder).st_mtime_ns
        except OSError:
            return None
        if abs(time.time() - changed / 1e9) < _COARSE_TIME:
            return None
        return changed, self._protection.names()

    def _update(self, items: list[LibraryEntry], names: frozenset[str]) -> Listing:
        """The listing of these recordings, from the one before if it is not very different.

        An unchanged file keeps its object.
        """
        listing = self._listing
        if listing is None or self._made_of is None or names != self._made_of[1]:
            return _make(items, names)
        before = self._made_of[0]
        if len(items) == len(before) and all(map(is_, items, before)):
            return listing
        were, are = set(map(id, before)), set(map(id, items))
        new = [each for each in items if id(each) not in were]
        gone = {each.recording for each in before if id(each) not in are}
        if len(new) + len(gone) > max(_FEW, len(items) // 100):
            return _make(items, names)
        return _change(listing, _mark(new, names), gone)


def _make(items: list[LibraryEntry], names: frozenset[str]) -> Listing:
    items = sorted(_mark(items, names), key=attrgetter("order"), reverse=True)
    return Listing(items, TimeIndex(items), frozenset(item.recording for item in items))


def _change(listing: Listing, new: list[LibraryEntry], gone: set[str]) -> Listing:
    """A listing with new recordings, and without others."""
    kept, removed = listing.newest_first, []
    if gone:
        removed = [each for each in kept if each.recording in gone]
        kept = [each for each in kept if each.recording not in gone]
    else:
        kept = kept.copy()
    for item in new:
        place = item.order
        kept.insert(bisect_left(kept, True, key=lambda each: each.order <= place), item)
    names = (listing.names - gone).union(item.recording for item in new)
    return Listing(kept, listing.times.changed(new, removed), names)


def _mark(items: list[LibraryEntry], names: frozenset[str]) -> list[LibraryEntry]:
    """The recordings, those of these names marked as protected."""
    if not names:
        return items
    return [replace(item, protected=True) if item.recording in names else item for item in items]
