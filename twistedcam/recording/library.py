"""The recordings folder: what is in it, what goes, what a recording looks like."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from twistedcam.camera.thread import Thread
from twistedcam.errors import BadArgument, DiskError, NoSuchRecording
from twistedcam.events import EventBus, RecordingChanged
from twistedcam.recording.age import Ages
from twistedcam.recording.disk import free_bytes
from twistedcam.recording.index import Index
from twistedcam.recording.names import is_inside
from twistedcam.recording.partfile import part_of
from twistedcam.recording.probe import SUFFIXES, Item
from twistedcam.recording.recovery import Recovered, recover
from twistedcam.recording.retention import Limits, too_many
from twistedcam.recording.thumbnail import thumbnail, thumbnail_path

log = Logger()

T = TypeVar("T")


class Library:
    """All recordings of a server.

    Arguments:
        folder: where they are.
        events: where deletions and recoveries are told.
        make_thread: gives a thread to read the disk on.
        being_written: the recordings under way.
    """

    def __init__(
        self,
        folder: Path,
        events: EventBus,
        make_thread: Callable[[], Thread],
        being_written: Callable[[], Iterable[Item]] = tuple,
    ) -> None:
        self.folder = folder
        self._events = events
        self._make_thread = make_thread
        self._being_written = being_written
        self._index = Index(folder)
        self._ages = Ages(folder)
        self._lock = DeferredLock()
        #: Recordings that could not be deleted to make room, as far as that has been said.
        self._stuck: set[str] = set()

    async def list(self) -> list[Item]:
        """All recordings, newest first, those being written among them.

        Raises:
            DiskError: the folder cannot be read.
        """
        return await self.shown(lambda item: item)

    async def shown(self, show: Callable[[Item], T]) -> builtins.list[T]:
        """The same, each as ``show`` gives it.

        With many thousand recordings that takes its time: it is done on the thread.

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

        return await self._run(look)

    def path(self, name: str) -> Path:
        """Where a complete recording is.

        Raises:
            NoSuchRecording: there is none of that name.
        """
        path = self._inside(name)
        if path.suffix.lower() not in SUFFIXES or not _is_file(path):
            raise NoSuchRecording(f"there is no recording {name!r}")
        return path

    def is_being_written(self, name: str) -> bool:
        """Whether that one is under way, and cannot be had yet."""
        return any(item.recording == name for item in self._being_written())

    async def delete(self, name: str) -> None:
        """Delete a recording, whoever made it.

        Raises:
            NoSuchRecording: there is none of that name.
            BadArgument: it is being written.
            DiskError: it cannot be deleted.
        """
        if self.is_being_written(name):
            raise BadArgument(f"{name} is being written: end it first (record stop)")
        self.path(name)
        await self._remove(name, "")

    async def thumbnail(self, name: str) -> bytes:
        """A small JPEG of a recording's first picture; also of one that is being written.

        Raises:
            NoSuchRecording: there is none of that name, or no picture in it.
        """
        path = self._inside(name)
        if not _is_file(path):
            part = part_of(path)
            path = part if _is_file(part) else self.path(name)
        try:
            return await self._run(lambda: thumbnail(path), lock=False)
        except ValueError as error:
            raise NoSuchRecording(str(error)) from None

    async def recover(self) -> builtins.list[Recovered]:
        """Finish what a crash has left, and say so in the log and by events.

        Raises:
            DiskError: the folder cannot be read or written.
        """
        found = await self._run(lambda: list(recover(self.folder)))
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
        self, limits: Limits, cameras: frozenset[str] | None = None
    ) -> builtins.list[str]:
        """Delete the oldest recordings that are over the limits; their names.

        One that cannot be deleted is told in the log, once, and the next one goes.

        Arguments:
            cameras: whose recordings are looked at; None: all that this program made.

        Raises:
            DiskError: the folder cannot be read.
        """

        def look() -> tuple[builtins.list[Item], int]:
            items = self._index.scan()
            self._ages.learn(items)
            return items, free_bytes(self.folder)

        items, free = await self._run(look)
        items += self._being_written()
        if cameras is not None:
            items = [item for item in items if item.camera in cameras]
        gone: builtins.list[str] = []
        stuck: dict[str, DiskError] = {}
        while going := too_many(items, limits, self._ages, free, stuck):
            for item in going:
                try:
                    await self._remove(item.recording, item.camera or "")
                except DiskError as error:
                    stuck[item.recording] = error  # it stays: others may have to go for it
                else:
                    gone.append(item.recording)
                    free += item.size
            left = {item.recording for item in items}.difference(gone)
            items = [item for item in items if item.recording in left]
        self._tell_stuck(stuck)
        return gone

    def _tell_stuck(self, stuck: dict[str, DiskError]) -> None:
        """Once for each; of a whole folder in one line."""
        new = [error for name, error in stuck.items() if name not in self._stuck]
        self._stuck.update(stuck)
        if new:
            more = f" (and {len(new) - 1} more)" if len(new) > 1 else ""
            log.warn("{why}{more}: others go in its place", why=str(new[0]), more=more)

    async def _remove(self, name: str, camera: str) -> None:
        path = self.folder / name
        try:
            await self._run(lambda: _delete(path))
        except DiskError as error:
            reason = getattr(error.__cause__, "strerror", None) or error
            raise DiskError(f"{name} cannot be deleted: {reason}") from error
        self._stuck.discard(name)
        log.info("deleted {name}", name=name)
        self._events.publish(RecordingChanged(camera, "deleted", name))

    def _inside(self, name: str) -> Path:
        if not is_inside(name):
            raise NoSuchRecording(f"{name!r} is no name of a recording: no folders, no leading dot")
        return self.folder / name

    async def _run(self, call: Callable[[], T], lock: bool = True) -> T:
        """Make the call on a thread; those that share the index one after the other."""
        if lock:
            await self._lock.acquire()
        thread = self._make_thread()
        try:
            return await thread.run(call)
        except OSError as error:
            raise DiskError(f"{self.folder}: {error.strerror or error}") from error
        finally:
            thread.end()
            if lock:
                self._lock.release()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False  # longer than any name can be


def _delete(path: Path) -> None:
    path.unlink(missing_ok=True)
    with suppress(OSError):  # of no use without it, and of no harm
        thumbnail_path(path).unlink(missing_ok=True)
