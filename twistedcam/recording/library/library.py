"""Lists, deletes, renames and recovers recordings."""

from __future__ import annotations

import builtins
import heapq
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twistedcam.errors import BadArgument, DiskError, NoSuchRecording
from twistedcam.events import Event, EventBus, RecordingChanged
from twistedcam.recording.library.age import Ages
from twistedcam.recording.library.catalogue import Catalogue
from twistedcam.recording.library.folder_reading import FolderReading
from twistedcam.recording.library.hidden_folder import HiddenFolder
from twistedcam.recording.library.index import Index
from twistedcam.recording.library.media_reader import MediaReader
from twistedcam.recording.library.probe import SUFFIXES, LibraryEntry
from twistedcam.recording.library.protection import Protection
from twistedcam.recording.library.recovery import Recovered, recover
from twistedcam.recording.library.remover import Remover
from twistedcam.recording.library.renamer import rename_file
from twistedcam.recording.library.retention import RetentionLimits
from twistedcam.recording.library.snapshots import SUFFIXES as PICTURES
from twistedcam.recording.library.snapshots import list_snapshots
from twistedcam.recording.library.thumbnail import Thumbnails
from twistedcam.recording.library.time_index import TimeIndex
from twistedcam.recording.media_worker.video_file import UnreadableVideo
from twistedcam.recording.writer.disk_space import free_bytes
from twistedcam.recording.writer.file_names import camera_of_snapshot, is_inside
from twistedcam.recording.writer.part_file import part_of
from twistedcam.runtime.regular_file import is_regular
from twistedcam.runtime.threads import Thread, run_in_thread
from twistedcam.util.escaped_name import file_name, show_name

log = Logger()

T = TypeVar("T")

#: Endings of recordings and snapshots.
_FILES = SUFFIXES.union(PICTURES)
#: Seconds for which new files are read before recordings are deleted.
_READING_TIME = 2.0


class Library:
    """All recordings of a server.

    Arguments:
        being_written: returns the recordings that are being written.
        just_written: returns files of theirs that are over, and may not be in the index yet.

    Names are as from ``show_name``.
    """

    def __init__(
        self,
        folder: Path,
        events: EventBus,
        make_thread: Callable[[], Thread],
        being_written: Callable[[], Iterable[LibraryEntry]] = tuple,
        reader: MediaReader | None = None,
        just_written: Callable[[], Iterable[LibraryEntry]] = tuple,
    ) -> None:
        self.folder = folder
        self._events = events
        self._make_thread = make_thread
        events.subscribe(self._on_event)
        self._being_written = being_written
        self._just_written = just_written
        self._reader = MediaReader() if reader is None else reader
        hidden = HiddenFolder(folder)
        self._index = Index(folder, hidden, self._reader)
        self._ages = Ages(folder)
        self._thumbnails = Thumbnails(folder, hidden, self._reader, self._run)
        self._remover = Remover(folder, events, self._thumbnails, self._run)
        self._protection = Protection(folder)
        self._catalogue = Catalogue(folder, self._protection)
        self._reading = FolderReading(self._index, self._catalogue, self._on_disk)

    @property
    def scan_progress(self) -> tuple[int, int] | None:
        """The number of recordings that are in the index, and of all, while the folder is read.

        Both are 0 from the start of the server until the files were counted.
        """
        return self._reading.progress

    async def read_folder(self) -> None:
        """Read all recordings that are not in the index yet, with the progress in `scan_progress`.

        Raises:
            DiskError: the folder cannot be read.
        """
        await self._reading.read_all()

    async def times(self, waits: bool = False) -> tuple[TimeIndex, builtins.list[LibraryEntry]]:
        """The complete recordings by time, and those that are being written.

        New files of this server's recorders are among the latter until they have been read, which
        is done afterwards.

        Arguments:
            waits: True to wait for files that are being read for the index.

        Raises:
            DiskError: the folder cannot be read.
        """
        writing = {each.recording: each for each in self._being_written()}
        just = [each for each in self._just_written() if each.recording not in writing]
        later = frozenset() if waits else frozenset(each.recording for each in just)
        listing = await self._reading.listing(waits, later)
        unread = [each for each in just if each.recording not in listing.names]
        if unread:
            unread = await self._on_disk(lambda: builtins.list(filter(self._is_there, unread)))
        found = [each for each in writing.values() if each.recording not in listing.names]
        return listing.times, found + unread

    async def protect(self, name: str, is_protected: bool) -> bool:
        """Keep a recording whatever the limits are, or end that; False if nothing has changed.

        Raises:
            NoSuchRecording: there is none of that name.
            DiskError: that cannot be saved.
        """
        path = self._inside(name)
        if not is_regular(path) and not self.is_being_written(name):
            raise NoSuchRecording(f"there is no recording {name!r}")
        shown, what = show_name(path.name), "protected" if is_protected else "unprotected"
        try:
            changed = await self._run(lambda: self._protection.change(shown, is_protected))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise DiskError(f"{shown!r} cannot be {what}: {reason}") from error
        self._catalogue.forget()
        if changed:
            camera = await self._camera_of(path)
            self._events.publish(RecordingChanged(camera, what, shown))
        return changed

    async def list(self) -> list[LibraryEntry]:
        """All recordings, newest first, including those being written.

        Raises:
            DiskError: the folder cannot be read.
        """
        return await self.shown(lambda item: item)

    async def shown(
        self,
        show: Callable[[LibraryEntry], T],
        most: int | None = None,
        wanted: Callable[[LibraryEntry], bool] = lambda item: True,
    ) -> builtins.list[T]:
        """The results of ``show`` for recordings, newest first.

        ``show`` is called on a thread: with many thousand recordings it takes time.

        Arguments:
            most: number of recordings at most; None for all.
            wanted: returns True for those to show.

        Raises:
            DiskError: the folder cannot be read.
        """
        writing = builtins.list(self._being_written())
        listing = await self._reading.listing(waits=True)

        def look() -> builtins.list[T]:
            protected = self._protection.names()
            new = [
                replace(item, protected=item.recording in protected)
                for item in writing
                if item.recording not in listing.names
            ]
            new.sort(key=attrgetter("order"), reverse=True)
            items = heapq.merge(new, listing.newest_first, key=attrgetter("order"), reverse=True)
            return [show(item) for item in islice(filter(wanted, items), most)]

        return await self._on_disk(look)

    async def snapshots(self) -> builtins.list[dict[str, Any]]:
        """All snapshots, newest first, as dictionaries.

        Raises:
            DiskError: the folder cannot be read.
        """
        return await self._on_disk(lambda: list_snapshots(self.folder))

    def path(self, name: str) -> Path:
        """The path of a complete recording or a snapshot.

        Raises:
            NoSuchRecording: there is none of that name.
        """
        path = self._inside(name, _FILES)
        if not is_regular(path):
            raise NoSuchRecording(f"there is no recording {name!r}")
        return path

    def is_being_written(self, name: str) -> bool:
        """True if that recording is not complete yet."""
        return any(item.recording == name for item in self._being_written())

    async def delete(self, name: str) -> None:
        """Delete a recording or a snapshot.

        Raises:
            NoSuchRecording: there is none of that name.
            BadArgument: it is being written, or protected.
            DiskError: it cannot be deleted.
        """
        if self.is_being_written(name):
            raise BadArgument(f"{name!r} is being written: end it first (record stop)")
        path = self.path(name)
        if show_name(path.name) in await self._run(self._protection.names):
            raise BadArgument(f"{name!r} is protected: unprotect it first")
        camera = await self._camera_of(path)
        if not await self._remover.delete(path, camera):
            raise NoSuchRecording(f"there is no recording {name!r}")

    async def rename(self, name: str, new: str) -> str:
        """Give a recording or a snapshot another name, and return it.

        Raises:
            NoSuchRecording: there is none of that name.
            BadArgument: it is being written, or the new name is not valid or in use.
            DiskError: it cannot be renamed.
        """
        if self.is_being_written(name):
            raise BadArgument(f"{name!r} is being written: end it first (record stop)")
        path = self.path(name)
        camera = await self._camera_of(path)

        def rename() -> str:
            renamed = rename_file(path, new, self._protection)
            self._thumbnails.forget(path.name)
            return show_name(renamed.name)

        renamed = await self._run(rename)
        log.info("renamed {name} to {new}", name=show_name(path.name), new=renamed)
        before = show_name(path.name)
        self._events.publish(RecordingChanged(camera, "renamed", renamed, before=before))
        return renamed

    async def thumbnail(self, name: str) -> bytes:
        """A small JPEG of a recording's first picture; the recording may be unfinished.

        Raises:
            NoSuchRecording: there is none of that name, or no picture in it.
        """
        path = self._inside(name)
        try:
            return await self._thumbnails.get(path.name)
        except FileNotFoundError:
            raise NoSuchRecording(f"there is no recording {name!r}") from None
        except UnreadableVideo as error:
            raise NoSuchRecording(f"{show_name(path.name)} has no thumbnail: {error}") from None
        except OSError as error:
            raise NoSuchRecording(
                f"{show_name(path.name)} cannot be read: {error.strerror or error}"
            ) from None

    async def recover(self) -> builtins.list[Recovered]:
        """Finish files that a crash has left, and report that. ``read_folder`` has to follow.

        Raises:
            DiskError: the folder cannot be read or written.
        """
        self._reading.announce()
        found = await self._on_disk(lambda: list(recover(self.folder, self._reader)))
        for each in found:
            if each.name is None:
                what = "cannot be read and is left as it is" if each.kept else "held no picture"
                log.warn("unfinished {was} {what}", was=each.was, what=what)
                continue
            log.warn(
                "finished {name}, left behind as {was}: {frames} frames, {seconds:.1f} s",
                **vars(each),
            )
            self._events.publish(
                RecordingChanged(
                    each.camera,
                    "recovered",
                    each.name,
                    frames=each.frames,
                    seconds=round(each.seconds, 3),
                    bytes=each.bytes,
                )
            )
        return found

    async def make_room(
        self, limits: RetentionLimits, cameras: frozenset[str] | None = None
    ) -> builtins.list[str]:
        """Delete the oldest recordings above the limits, and return their names.

        One that cannot be deleted is logged once, and the next one is deleted instead.

        Arguments:
            cameras: cameras whose recordings count; None for all.

        Raises:
            DiskError: the folder cannot be read.
        """

        writing = builtins.list(self._being_written())
        items, free = await self._entries_and_space(cameras, writing)
        return await self._remover.make_room(items, free, limits, self._ages)

    async def _entries_and_space(
        self, cameras: frozenset[str] | None, writing: builtins.list[LibraryEntry]
    ) -> tuple[builtins.list[LibraryEntry], int]:
        """The recordings of these cameras, and the bytes that are free on the disk."""

        def look(items: builtins.list[LibraryEntry]) -> tuple[builtins.list[LibraryEntry], int]:
            protected = self._protection.names()
            if protected:
                items = [
                    replace(item, protected=True) if item.recording in protected else item
                    for item in items
                ]
            self._ages.learn(items)
            items += writing
            if cameras is not None:
                items = [item for item in items if item.camera in cameras]
            return items, free_bytes(self.folder)

        return await self._reading.use(_READING_TIME, look)

    async def _camera_of(self, path: Path) -> str:
        """The camera of a recording or a snapshot, "" if that is not known."""
        shown = show_name(path.name)
        for item in self._being_written():
            if item.recording == shown:
                return item.camera or ""

        def look() -> str | None:
            if path.suffix.lower() in PICTURES:
                return camera_of_snapshot(path.name)
            return self._index.camera_of(path.name)

        return await self._run(look) or ""

    def _is_there(self, item: LibraryEntry) -> bool:
        path = self.folder / file_name(item.recording)
        return is_regular(path) or is_regular(part_of(path))

    def _on_event(self, event: Event) -> None:
        if isinstance(event, RecordingChanged):
            self._catalogue.forget()

    def _inside(self, name: str, suffixes: Collection[str] = SUFFIXES) -> Path:
        """The path for a recording of that name.

        Raises:
            NoSuchRecording: a recording cannot have that name.
        """
        real = file_name(name)
        if not is_inside(real):
            raise NoSuchRecording(
                f"a recording cannot be named {name!r}: no folders, no leading dot"
            )
        path = self.folder / real
        if path.suffix.lower() not in suffixes:
            raise NoSuchRecording(f"there is no recording {name!r}")
        return path

    async def _on_disk(self, call: Callable[[], T]) -> T:
        """Make the call on a thread; an OSError becomes a DiskError."""
        try:
            return await self._run(call)
        except OSError as error:
            raise DiskError(f"{self.folder}: {error.strerror or error}") from error

    def _run(self, call: Callable[[], T]) -> Deferred[T]:
        return run_in_thread(self._make_thread, call)

    def close(self) -> None:
        """End the reader's processes."""
        self._reading.close()
        self._reader.close()
