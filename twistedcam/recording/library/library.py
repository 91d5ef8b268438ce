"""Lists, deletes and recovers recordings."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from twistedcam.errors import BadArgument, DiskError, NoSuchRecording
from twistedcam.events import EventBus, RecordingChanged
from twistedcam.recording.library.age import Ages
from twistedcam.recording.library.hidden_folder import HiddenFolder
from twistedcam.recording.library.index import Index
from twistedcam.recording.library.media_reader import MediaReader
from twistedcam.recording.library.probe import SUFFIXES, LibraryEntry
from twistedcam.recording.library.recovery import Recovered, recover
from twistedcam.recording.library.retention import RetentionLimits, recordings_to_delete
from twistedcam.recording.library.snapshots import SUFFIXES as PICTURES
from twistedcam.recording.library.snapshots import list_snapshots
from twistedcam.recording.library.thumbnail import Thumbnails
from twistedcam.recording.media_worker.video_file import UnreadableVideo
from twistedcam.recording.writer.disk_space import free_bytes
from twistedcam.recording.writer.file_names import is_inside
from twistedcam.runtime.regular_file import is_regular
from twistedcam.runtime.threads import Thread, run_in_thread
from twistedcam.util.escaped_name import file_name, show_name

log = Logger()

T = TypeVar("T")

#: Endings of recordings and snapshots.
_FILES = SUFFIXES.union(PICTURES)
#: Seconds for which new files are read before recordings are deleted.
_LOOK = 2.0
#: Recordings that are deleted before their events are published.
_BATCH = 50


class Library:
    """All recordings of a server.

    Arguments:
        being_written: returns the recordings that are being written.

    Names are as from ``show_name``.
    """

    def __init__(
        self,
        folder: Path,
        events: EventBus,
        make_thread: Callable[[], Thread],
        being_written: Callable[[], Iterable[LibraryEntry]] = tuple,
        reader: MediaReader | None = None,
    ) -> None:
        self.folder = folder
        self._events = events
        self._make_thread = make_thread
        self._being_written = being_written
        self._reader = MediaReader() if reader is None else reader
        hidden = HiddenFolder(folder)
        self._index = Index(folder, hidden, self._reader)
        self._ages = Ages(folder)
        self._thumbnails = Thumbnails(folder, hidden, self._reader, self._run)
        #: Held while files are read for the index, so that each is read once.
        self._reading = DeferredLock()
        #: Recordings that could not be deleted, which the log says once.
        self._stuck: set[str] = set()

    async def list(self) -> list[LibraryEntry]:
        """All recordings, newest first, including those being written.

        Raises:
            DiskError: the folder cannot be read.
        """
        return await self.shown(lambda item: item)

    async def shown(self, show: Callable[[LibraryEntry], T]) -> builtins.list[T]:
        """The results of ``show`` for all recordings, newest first.

        ``show`` is called on a thread: with many thousand recordings it takes time.

        Raises:
            DiskError: the folder cannot be read.
        """
        writing = builtins.list(self._being_written())

        def look() -> builtins.list[T]:
            items = self._index.scan()
            complete = {item.recording for item in items}
            items += [item for item in writing if item.recording not in complete]
            items.sort(key=lambda item: (item.start, item.recording), reverse=True)
            return [show(item) for item in items]

        await self._reading.acquire()
        try:
            return await self._on_disk(look)
        finally:
            self._reading.release()

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
            BadArgument: it is being written.
            DiskError: it cannot be deleted.
        """
        if self.is_being_written(name):
            raise BadArgument(f"{name} is being written: end it first (record stop)")
        path = self.path(name)
        if not await self._run(lambda: self._delete(path)):
            raise NoSuchRecording(f"there is no recording {name!r}")
        self._report_deleted(name, "")

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
        """Finish files that a crash has left, and report that in the log and by events.

        Raises:
            DiskError: the folder cannot be read or written.
        """
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
        items, free = await self._look(cameras, writing)
        gone: builtins.list[str] = []
        stuck: dict[str, DiskError] = {}

        def choose() -> builtins.list[LibraryEntry]:
            return recordings_to_delete(items, limits, self._ages, free, stuck)

        while going := (await self._run(choose))[:_BATCH]:
            for item, error in zip(going, await self._delete_all(going), strict=True):
                if error is not None:
                    stuck[item.recording] = error  # others are deleted instead
                    continue
                gone.append(item.recording)
                free += item.size
            left = {item.recording for item in items}.difference(gone)
            items = [item for item in items if item.recording in left]
        self._log_stuck(stuck)
        return gone

    async def _look(
        self, cameras: frozenset[str] | None, writing: builtins.list[LibraryEntry]
    ) -> tuple[builtins.list[LibraryEntry], int]:
        """The recordings of these cameras, and the bytes that are free on the disk.

        It does not wait for files that take long to read, nor for another call that reads them.
        """
        is_first = not self._reading.locked
        if is_first:
            await self._reading.acquire()

        def look() -> tuple[builtins.list[LibraryEntry], int]:
            items = self._index.scan(_LOOK) if is_first else self._index.known()
            self._ages.learn(items)
            items += writing
            if cameras is not None:
                items = [item for item in items if item.camera in cameras]
            return items, free_bytes(self.folder)

        try:
            return await self._on_disk(look)
        finally:
            if is_first:
                self._reading.release()

    async def _delete_all(
        self, items: builtins.list[LibraryEntry]
    ) -> builtins.list[DiskError | None]:
        """Delete recordings; return an error or None for each."""

        def delete() -> builtins.list[DiskError | bool]:
            return [self._try(item) for item in items]

        results = await self._run(delete)
        for item, result in zip(items, results, strict=True):
            if result is True:  # False: another server that shares the folder has deleted it
                self._report_deleted(item.recording, item.camera or "")
        return [result if isinstance(result, DiskError) else None for result in results]

    def _try(self, item: LibraryEntry) -> DiskError | bool:
        try:
            return self._delete(self.folder / file_name(item.recording))
        except DiskError as error:
            return error

    def _log_stuck(self, stuck: dict[str, DiskError]) -> None:
        """Log recordings that cannot be deleted, each once, and all of them in one line."""
        new = [error for name, error in stuck.items() if name not in self._stuck]
        self._stuck.update(stuck)
        if new:
            more = f" (and {len(new) - 1} more)" if len(new) > 1 else ""
            log.warn("{why}{more}: others go in its place", why=str(new[0]), more=more)

    def _delete(self, path: Path) -> bool:
        """Delete a file and its thumbnail; True if it existed. Blocks.

        Raises:
            DiskError: it cannot be deleted.
        """
        is_there = True
        try:
            path.unlink()
        except FileNotFoundError:
            is_there = False
        except OSError as error:
            name, reason = show_name(path.name), error.strerror or error
            raise DiskError(f"{name} cannot be deleted: {reason}") from error
        self._thumbnails.forget(path.name)
        return is_there

    def _report_deleted(self, name: str, camera: str) -> None:
        self._stuck.discard(name)
        log.info("deleted {name}", name=name)
        self._events.publish(RecordingChanged(camera, "deleted", name))

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
        self._reader.close()
