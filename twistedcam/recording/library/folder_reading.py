"""Reads the recordings folder: all of it after the start, then what is new, each file once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredLock

from twistedcam.errors import DiskError
from twistedcam.recording.library.catalogue import Catalogue, Listing
from twistedcam.recording.library.index import Index
from twistedcam.recording.library.probe import LibraryEntry

T = TypeVar("T")


class FolderReading:
    """Reads for one caller at a time; others wait, or get what is known so far.

    Arguments:
        on_disk: makes a call on a thread, and raises DiskError if the folder cannot be read.
    """

    def __init__(self, index: Index, catalogue: Catalogue, on_disk: Callable[..., Any]) -> None:
        #: The number of recordings that are in the index, and of all, while the folder is read;
        #: both are 0 from ``announce`` until the files were counted.
        self.progress: tuple[int, int] | None = None
        self._index = index
        self._catalogue = catalogue
        self._on_disk = on_disk
        self._lock = DeferredLock()
        self._is_closed = False
        #: True while new files are read for nobody in particular.
        self._reads_later = False

    def announce(self) -> None:
        """Tell that ``read_all`` will follow: until then, callers get what is known."""
        self.progress = 0, 0

    def close(self) -> None:
        """Stop reading."""
        self._is_closed = True

    async def read_all(self) -> None:
        """Read all recordings that are not in the index yet.

        Raises:
            DiskError: the folder cannot be read.
        """
        await self._lock.acquire()
        try:
            await self._on_disk(lambda: self._index.read_new(self._on_progress))
        finally:
            self.progress = None
            self._lock.release()

    def _on_progress(self, done: int, count: int) -> bool:
        self.progress = done, count
        return not self._is_closed

    async def listing(self, waits: bool, later: frozenset[str] = frozenset()) -> Listing:
        """All complete recordings.

        Arguments:
            waits: True to wait for another call that reads files; else its files are missing.
            later: names of recordings that, if they are new, are read after the answer.

        Raises:
            DiskError: the folder cannot be read.
        """
        reads = waits or not (self._lock.locked or self.progress is not None)
        if reads:
            await self._lock.acquire()

        is_behind = self._reads_later
        left: list[str] = []
        missing: list[str] = []

        def look(is_full: bool) -> list[LibraryEntry]:
            if not reads:
                return self._index.known(missing)
            if self.progress is not None:
                self._index.read_new(self._on_progress)
            return self._index.scan(later=later, left=left, is_full=is_full)

        try:
            found: Listing = await self._on_disk(lambda: self._catalogue.get(look, reads))
        finally:
            if reads:
                self._lock.release()
        if left:
            self._catalogue.forget()
        if left or self._index.has_retries:
            self._read_later()
        if is_behind and not later.issuperset(missing):
            return await self.listing(waits=True)  # not only the files of recorders are new
        return found

    def _read_later(self) -> None:
        """Read new files, and those to be read again, while others get what is known."""
        if self._reads_later or self._is_closed:
            return
        self._reads_later = True

        async def read() -> None:
            await self._lock.acquire()
            try:
                await self._on_disk(
                    lambda: self._index.read_new(lambda done, count: not self._is_closed)
                )
            finally:
                self._lock.release()
                self._reads_later = False
                self._catalogue.forget()

        # An error of the disk is raised for the next one who asks.
        Deferred.fromCoroutine(read()).addErrback(lambda why: why.trap(DiskError))

    async def use(self, limit: float, call: Callable[[list[LibraryEntry]], T]) -> T:
        """Call with the recordings, on a thread.

        It waits neither for files that take long to read nor for another call that reads them.

        Arguments:
            limit: seconds after which no further file is read.

        Raises:
            DiskError: the folder cannot be read.
        """
        is_first = not self._lock.locked
        if is_first:
            await self._lock.acquire()
        try:
            found: T = await self._on_disk(
                lambda: call(self._index.scan(limit) if is_first else self._index.known())
            )
            return found
        finally:
            if is_first:
                self._lock.release()
            if self._index.has_retries:
                self._read_later()
