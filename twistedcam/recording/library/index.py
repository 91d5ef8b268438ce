"""An index of the recordings, so that each file is read once; kept in memory and on the disk."""

from __future__ import annotations

import json
import math
import os
import stat
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from threading import Lock

import msgspec

from twistedcam.recording.library.hidden_folder import HiddenFolder
from twistedcam.recording.library.media_reader import (
    MAX_FILES,
    MAX_PROCESSES,
    MediaReader,
    ReadingFailed,
)
from twistedcam.recording.library.probe import (
    EARLIEST,
    LATEST,
    SUFFIXES,
    LibraryEntry,
    of_file,
    probe,
)
from twistedcam.recording.media_worker.video_file import Head, UnreadableVideo
from twistedcam.runtime.regular_file import open_regular
from twistedcam.util.escaped_name import file_name, show_name

_FILE = "index.json"
_VERSION = 6
#: Bytes of the index on the disk at most: it has about 400 for each recording.
_MAX_BYTES = 256 << 20

#: Seconds between two times at which the index is saved while many files are read.
_SAVE_PERIOD = 15.0
#: Seconds for which less than a thousandth of the index may be unsaved. To save 100,000 recordings
#: takes a second; after a crash a few files are read again.
_SMALL_SAVE_PERIOD = 60.0

#: Seconds until a file that could not be read is read again, doubled each time; and the most.
_FIRST_PAUSE, _MAX_PAUSE = 60.0, 3600.0

#: Files up to which each one is looked at every time; that takes 4 ms.
_FULL_FILES = 1000

#: Size and time of last change; a file with the same stamp is unchanged.
_Stamp = tuple[int, int]
#: A file to read.
_Unread = tuple[str, _Stamp, os.stat_result]


@dataclass(frozen=True)
class _Retry:
    """A file that could not be read for a reason that may pass.

    Arguments:
        at: when it is read again, by ``time.monotonic()``.
        pause: seconds from its last reading to that.
    """

    at: float
    pause: float


class Index:
    """The recordings in a folder. All methods block; any thread can call them.

    Only regular files are recordings: no symbolic links, folders, FIFOs or devices.
    """

    def __init__(self, folder: Path, hidden: HiddenFolder, reader: MediaReader) -> None:
        self.folder = folder
        self._hidden = hidden
        self._reader = reader
        #: By the files' names.
        self._items: dict[str, tuple[_Stamp, LibraryEntry]] | None = None
        #: The numbers of the files in their file system when they were looked at.
        self._numbers: dict[str, int] = {}
        #: The files to read again, by their names. They are not saved, so that they are read again
        #: after a restart in any case.
        self._retries: dict[str, _Retry] = {}
        self._loading = Lock()
        #: Changes since the index was saved, and when that was.
        self._unsaved, self._saved_at = 0, -math.inf

    def scan(
        self,
        limit: float | None = None,
        later: Collection[str] = (),
        left: list[str] | None = None,
        is_full: bool = True,
    ) -> list[LibraryEntry]:
        """All recordings in the folder, in no order. Only new and changed files are read.

        Those that are to be read again are read by ``read_new``: that may take long.

        Arguments:
            limit: seconds after which no further file is read. The others get an item without
                contents.
            later: names of recordings that are not read if they are new, and left out.
            left: gets the names of those that were left out.
            is_full: False if files that were changed in place need not be found.

        Raises:
            OSError: the folder cannot be read.
        """
        until = math.inf if limit is None else time.monotonic() + limit
        known = self._known()
        found, unread = self._compare(is_full)
        if later:
            late = [each[0] for each in unread if show_name(each[0]) in later]
            unread = [each for each in unread if each[0] not in late]
            if left is not None:
                left += late
        # New files come first: others may change all the time.
        unread.sort(key=lambda each: each[0] in known)
        gone = known.keys() - found.keys() if len(known) > len(found) else set()
        self._unsaved += len(unread) + len(gone)
        for name in gone:
            self._forget(name)
        if limit is None:
            found.update(self._read_all(unread))
        else:
            for each in unread:
                is_late = time.monotonic() > until
                found.update(
                    {each[0]: of_file(each[0], each[2])} if is_late else self._read([each])
                )
        self._save_changes()
        return list(found.values())

    def known(self, missing: list[str] | None = None) -> list[LibraryEntry]:
        """The recordings that are in the index, in no order. No file is read.

        Arguments:
            missing: gets the names of those that are not in it.

        Raises:
            OSError: the folder cannot be read.
        """
        found, unread = self._compare()
        if missing is not None:
            missing += [show_name(name) for name, _, _ in unread]
        return list(found.values())

    def camera_of(self, name: str) -> str | None:
        """The camera of a recording by its file's name; None if it is not known, or gone."""
        known = self._known().get(name)
        if known is not None and not self._is_due(name):
            return known[1].camera
        try:
            status = (self.folder / name).stat(follow_symlinks=False)
        except OSError:
            return None
        found = self._read([(name, (status.st_size, status.st_mtime_ns), status)]).get(name)
        return None if found is None else found.camera

    @property
    def has_retries(self) -> bool:
        """True if there are files that are to be read again now, by ``read_new``."""
        return any(self._is_due(name) for name in list(self._retries))

    def _is_due(self, name: str) -> bool:
        retry = self._retries.get(name)
        return retry is not None and time.monotonic() >= retry.at

    def read_new(self, on_progress: Callable[[int, int], bool]) -> None:
        """Read new and changed files, so that later calls find all of them in the index.

        Files that could not be read for a reason that may have passed are read again.

        Arguments:
            on_progress: called with the number of files that are in the index, and of all files;
                it returns False to stop.

        Raises:
            OSError: the folder cannot be read.
        """
        found, unread = self._compare(with_retries=True)
        count = len(found) + len(unread)
        saved = time.monotonic()
        step = MAX_FILES * MAX_PROCESSES
        for at in range(0, len(unread), step):
            if not on_progress(len(found) + at, count):
                return
            self._read_all(unread[at : at + step])
            if time.monotonic() - saved > _SAVE_PERIOD:
                self._save()
                saved = time.monotonic()
        self._unsaved += len(unread)
        self._save_changes()

    def _compare(
        self, is_full: bool = True, with_retries: bool = False
    ) -> tuple[dict[str, LibraryEntry], list[_Unread]]:
        """Compare the folder with the index.

        Returns the recordings that are as in the index, by the files' names, and other files.

        Arguments:
            is_full: False to take a file of the same name and number for unchanged, which takes a
                tenth of the time.
            with_retries: True to take files that are to be read again now for unread.
        """
        known, numbers = self._known(), self._numbers
        is_full = is_full or len(known) <= _FULL_FILES
        found: dict[str, LibraryEntry] = {}
        unread: list[_Unread] = []
        for each in self._files():
            name, number = each.name, each.inode()
            old = known.get(name)
            if old is not None and not is_full and numbers.get(name) == number:
                found[name] = old[1]
                continue
            if name.startswith(".") or os.path.splitext(name)[1].lower() not in SUFFIXES:
                continue
            try:
                status = each.stat(follow_symlinks=False)
            except OSError:
                continue  # gone meanwhile
            if not stat.S_ISREG(status.st_mode):
                continue
            stamp = status.st_size, status.st_mtime_ns
            if old is not None and old[0] == stamp and not (with_retries and self._is_due(name)):
                found[name], numbers[name] = old[1], number
            else:
                unread.append((name, stamp, status))
        return found, unread

    def _files(self) -> Iterator[os.DirEntry[str]]:
        try:
            entries = os.scandir(self.folder)
        except FileNotFoundError:
            return
        with entries:
            yield from entries

    def _read_all(self, unread: list[_Unread]) -> dict[str, LibraryEntry]:
        """Read any number of files, in several processes."""
        parts = [unread[at : at + MAX_FILES] for at in range(0, len(unread), MAX_FILES)]
        if len(parts) < 2:
            return self._read(unread)
        found: dict[str, LibraryEntry] = {}
        with ThreadPoolExecutor(MAX_PROCESSES, "recordings") as threads:
            for each in threads.map(self._read, parts):
                found.update(each)
        return found

    def _read(self, some: Sequence[_Unread]) -> dict[str, LibraryEntry]:
        """Read files, without those that are gone."""
        known, found = self._known(), {}
        files: dict[str, int] = {}
        try:
            for name, _, status in some:
                found[name] = of_file(name, status)
                try:
                    files[name] = open_regular(self.folder / name)
                except FileNotFoundError:
                    del found[name]
                except OSError:
                    continue  # no permission, or too many open files
            heads = self._reader.heads(list(files.values()))
        except OSError:
            return found  # no process can be started: they are read next time
        finally:
            for fd in files.values():
                os.close(fd)
        for (name, stamp, status), head in zip(
            (each for each in some if each[0] in files), heads, strict=True
        ):
            found[name] = probe(name, status, head)
            known[name] = stamp, found[name]
            self._note(name, head)
        return found

    def _note(self, name: str, head: Head | UnreadableVideo) -> None:
        """Note whether a file is to be read again: with a crash only after a restart."""
        before = self._retries.pop(name, None)
        if not isinstance(head, UnreadableVideo):
            return
        if head.is_temporary:
            pause = _FIRST_PAUSE if before is None else min(2 * before.pause, _MAX_PAUSE)
            self._retries[name] = _Retry(time.monotonic() + pause, pause)
        elif isinstance(head, ReadingFailed):
            self._retries[name] = _Retry(math.inf, _MAX_PAUSE)

    def _known(self) -> dict[str, tuple[_Stamp, LibraryEntry]]:
        with self._loading:
            if self._items is None:
                self._items = self._load()
            return self._items

    def _forget(self, name: str) -> None:
        self._retries.pop(name, None)
        self._numbers.pop(name, None)
        self._known().pop(name, None)

    def _load(self) -> dict[str, tuple[_Stamp, LibraryEntry]]:
        """Load the index of an earlier run; an empty one if it is invalid."""
        kept: dict[str, tuple[_Stamp, LibraryEntry]] = {}
        try:
            data, _ = self._hidden.read(_FILE, _MAX_BYTES)
            first, *lines = data.splitlines()
            if json.loads(first) != {"version": _VERSION}:
                return {}
            for line in lines:
                stamp, item = _parse(line)
                kept[file_name(item.recording)] = stamp, item
        except (OSError, ValueError, TypeError, msgspec.MsgspecError, RecursionError, MemoryError):
            return {}
        return kept

    def _save_changes(self) -> None:
        """Save the index if more than a few changes are not saved, or for some time."""
        is_few = self._unsaved * 1000 < len(self._known())
        is_late = time.monotonic() - self._saved_at > _SMALL_SAVE_PERIOD
        if self._unsaved and (is_late or not is_few):
            self._save()

    def _save(self) -> None:
        """Save the index, if the folder can be written."""
        self._unsaved, self._saved_at = 0, time.monotonic()
        lines = [json.dumps({"version": _VERSION})]
        # One line at a time, so that other threads can run in between.
        for name, (stamp, item) in list(self._known().items()):
            if name not in self._retries:
                lines.append(json.dumps([*stamp, *vars(item).values()]))
        with suppress(OSError):
            self._hidden.write(_FILE, "\n".join(lines).encode())


_NAMES = tuple(each.name for each in fields(LibraryEntry))


def _parse(line: bytes) -> tuple[_Stamp, LibraryEntry]:
    """Read a line of the index.

    Raises:
        msgspec.MsgspecError, TypeError, ValueError: this program cannot have saved it.
    """
    size, changed, *values = msgspec.json.decode(line)
    item = msgspec.convert(dict(zip(_NAMES, values, strict=True)), LibraryEntry)
    dates = item.start, item.start if item.since is None else item.since
    if not item.complete or item.size != size or type(changed) is not int:
        raise ValueError("it is a complete file of another size")
    if not all(EARLIEST <= each <= LATEST for each in dates):
        raise ValueError("there is no such date")
    return (size, changed), item
