"""Deletes recordings, and reports that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from twistedcam.errors import DiskError
from twistedcam.events import EventBus, Fault, RecordingChanged
from twistedcam.recording.library.age import Ages
from twistedcam.recording.library.probe import LibraryEntry
from twistedcam.recording.library.retention import RetentionLimits, recordings_to_delete, shortage
from twistedcam.recording.library.thumbnail import Thumbnails
from twistedcam.util.escaped_name import file_name, show_name

log = Logger()

#: Recordings that are deleted before their events are published.
_BATCH = 50


class Remover:
    """Deletes recordings of a folder with their thumbnails.

    Arguments:
        run: makes a blocking call on a thread.
    """

    def __init__(
        self,
        folder: Path,
        events: EventBus,
        thumbnails: Thumbnails,
        run: Callable[[Callable[[], Any]], Awaitable[Any]],
    ) -> None:
        self._folder = folder
        self._events = events
        self._thumbnails = thumbnails
        self._run = run
        #: Recordings that could not be deleted, which the log says once.
        self._stuck: set[str] = set()
        #: True while protected recordings exceed a limit.
        self._is_short = False

    async def delete(self, path: Path, camera: str) -> bool:
        """Delete a file of the folder; False if there is none.

        Arguments:
            camera: its camera for the event, "" if that is not known.

        Raises:
            DiskError: it cannot be deleted.
        """
        is_there: bool = await self._run(lambda: self._delete(path))
        if is_there:
            self._report(show_name(path.name), camera)
        return is_there

    async def make_room(
        self, items: list[LibraryEntry], free: int, limits: RetentionLimits, ages: Ages
    ) -> list[str]:
        """Delete the oldest recordings above the limits, and return their names.

        One that cannot be deleted is logged once, and the next one is deleted instead. If protected
        recordings leave no room, that is reported once.

        Arguments:
            free: bytes that are free on the disk.
        """
        gone: list[str] = []
        stuck: dict[str, DiskError] = {}

        def choose() -> list[LibraryEntry]:
            return recordings_to_delete(items, limits, ages, free, stuck)

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
        self._report_shortage(shortage(items, limits, free))
        return gone

    async def _delete_all(self, items: list[LibraryEntry]) -> list[DiskError | None]:
        """Delete recordings; return an error or None for each."""

        def delete() -> list[DiskError | bool]:
            return [self._try(item) for item in items]

        results = await self._run(delete)
        for item, result in zip(items, results, strict=True):
            if result is True:  # False: another server that shares the folder has deleted it
                self._report(item.recording, item.camera or "", expired=True)
        return [result if isinstance(result, DiskError) else None for result in results]

    def _try(self, item: LibraryEntry) -> DiskError | bool:
        try:
            return self._delete(self._folder / file_name(item.recording))
        except DiskError as error:
            return error

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
            raise DiskError(f"{name!r} cannot be deleted: {reason}") from error
        self._thumbnails.forget(path.name)
        return is_there

    def _report(self, name: str, camera: str, expired: bool | None = None) -> None:
        self._stuck.discard(name)
        log.info("deleted {name}", name=name)
        self._events.publish(RecordingChanged(camera, "deleted", name, expired=expired))

    def _log_stuck(self, stuck: dict[str, DiskError]) -> None:
        """Log recordings that cannot be deleted, each once, and all of them in one line."""
        new = [error for name, error in stuck.items() if name not in self._stuck]
        self._stuck.update(stuck)
        if new:
            more = f" (and {len(new) - 1} more)" if len(new) > 1 else ""
            log.warn("{why}{more}: others go in its place", why=str(new[0]), more=more)

    def _report_shortage(self, reason: str | None) -> None:
        """Report once that protected recordings leave no room."""
        if reason is not None and not self._is_short:
            log.warn("{reason}", reason=reason)
            self._events.publish(Fault(None, DiskError.code, reason))
        self._is_short = reason is not None
