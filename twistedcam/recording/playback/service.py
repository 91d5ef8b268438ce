"""Recordings of a camera by time: to play, to look at, to export."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from twisted.internet.defer import DeferredLock, DeferredSemaphore

from twistedcam.errors import BadArgument, NoSuchCamera, NoSuchRecording
from twistedcam.events import EventBus, RecordingChanged
from twistedcam.recording.library.library import Library
from twistedcam.recording.library.media_reader import MediaReader
from twistedcam.recording.library.probe import LibraryEntry
from twistedcam.recording.library.time_index import RecordedTimes, Span, TimeIndex
from twistedcam.recording.media_worker.video_file import UnreadableVideo
from twistedcam.recording.playback.new_file import SUFFIX, reserve_path
from twistedcam.recording.writer.disk_space import check_folder
from twistedcam.recording.writer.file_names import (
    check_name,
    release_name,
)
from twistedcam.recording.writer.segment import SegmentResult
from twistedcam.runtime.threads import Thread, run_in_thread
from twistedcam.util.camera_name import find_name
from twistedcam.util.escaped_name import file_name
from twistedcam.util.libraries import np

if TYPE_CHECKING:
    from twistedcam.recording.playback.movie_files import MovieFiles
    from twistedcam.recording.playback.piece import Piece

#: Pieces that are remembered for requests of further parts of them, and for how many seconds.
_MAX_PLANS, _PLAN_AGE = 64, 900.0
#: Pictures in memory at most, and seconds of a recording that have one picture.
_MAX_PICTURES, _PICTURE_SECONDS = 512, 1.0
#: Pictures that are read at once.
_PICTURES_AT_ONCE = 2


class NothingRecorded(NoSuchRecording):
    """The error for a time at which a camera was not recorded.

    Arguments:
        nearest: the span nearest to it, or None if there is none.
    """

    def __init__(self, camera: str, start: float, nearest: Span | None) -> None:
        self.nearest = nearest
        text = f"nothing was recorded of {camera} at {local_time(start)}"
        if nearest is None:
            super().__init__(f"{text}, nor at any other time")
        else:
            span = f"{local_time(nearest.start)} to {local_time(nearest.end)}"
            super().__init__(f"{text}; the nearest recording is from {span}")


def _import_player() -> None:
    import twistedcam.recording.playback.planner  # noqa: F401

    np.empty(0)  # it imports numpy, which takes longest


def local_time(time: float) -> str:
    """A time in ISO 8601 with the offset of the local time, to the second."""
    return datetime.fromtimestamp(time).astimezone().isoformat(timespec="seconds")


class PlaybackService:
    """Answers for all cameras of a server.

    Arguments:
        check_mount: raises DiskError if the disk of the recordings is not mounted.
        cameras: returns the names of the cameras of the configuration.
        reserve: returns the bytes that must stay free on the disk.
    """

    def __init__(
        self,
        library: Library,
        events: EventBus,
        make_thread: Callable[[], Thread],
        check_mount: Callable[[], None],
        cameras: Callable[[], Collection[str]],
        reserve: Callable[[], int] = lambda: 0,
        reader: MediaReader | None = None,
    ) -> None:
        self._library = library
        self._events = events
        self._make_thread = make_thread
        self._check_mount = check_mount
        self._cameras = cameras
        self._reserve = reserve
        self._reader = MediaReader() if reader is None else reader
        self._plans: OrderedDict[tuple[str, float, float, bool], tuple[float, Piece]]
        self._plans = OrderedDict()
        self._pictures: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._picture_slots = DeferredSemaphore(_PICTURES_AT_ONCE)
        self._exporting = DeferredLock()
        self._is_closed = False
        self._has_imported = False

    @cached_property
    def _files(self) -> MovieFiles:
        # Called in threads: the modules that copy recordings are imported at their first use.
        from twistedcam.recording.playback.movie_files import MovieFiles

        return MovieFiles(self._library.folder)

    @cached_property
    def _key_files(self) -> MovieFiles:
        from twistedcam.recording.playback.movie_files import MovieFiles

        return MovieFiles(self._library.folder, only_keys=True)

    def _import_early(self) -> None:
        """Import the modules that play recordings: who looks for recordings plays one soon."""
        if not self._has_imported:
            self._has_imported = True
            run_in_thread(self._make_thread, _import_player)

    def close(self) -> None:
        """End what is being done."""
        self._is_closed = True
        self._reader.close()

    async def find_camera(self, word: str) -> str:
        """Return the name of a camera that is in the configuration or has recordings.

        Arguments:
            word: its name or its URL-safe form.

        Raises:
            NoSuchCamera: there is neither a camera nor a recording of that name.
            DiskError: the folder cannot be read.
        """
        configured = self._cameras()
        found = find_name(configured, word)
        for waits in (False, True):  # it may be among those that are still being read
            if found is None:
                found = find_name(await self.recorded(waits), word)
        if found is None:
            names = ", ".join(configured) or "none"
            raise NoSuchCamera(
                f"there is no camera {word!r}, nor a recording of one; there is {names}"
            )
        return found

    async def recorded(self, waits: bool = False) -> dict[str, RecordedTimes]:
        """The cameras that have recordings, also those that were removed.

        Arguments:
            waits: True to wait for files that are being read for the index.

        Raises:
            DiskError: the folder cannot be read.
        """
        times, writing = await self._library.times(waits)
        return times.cameras(writing)

    async def spans(self, camera: str, start: float, end: float, gap: float = 0.0) -> list[Span]:
        """The spans of a camera between two times; see ``TimeIndex.spans``.

        Raises:
            DiskError: the folder cannot be read.
        """
        self._import_early()
        times, writing = await self._library.times()
        return times.spans(camera, start, end, gap, writing)

    async def entries(self, camera: str, start: float, end: float) -> list[LibraryEntry]:
        """The recordings of a camera from one time to another, in order.

        Raises:
            NothingRecorded: there is none.
            DiskError: the folder cannot be read.
        """
        return (await self._find(camera, start, end))[0]

    async def _find(
        self, camera: str, start: float, end: float
    ) -> tuple[list[LibraryEntry], TimeIndex, list[LibraryEntry]]:
        """The recordings, and what was known when they were found."""
        times, writing = await self._library.times()
        found = times.entries_from(camera, start, end, writing)
        if not found:  # it may be among those that are still being read after the start
            times, writing = await self._library.times(waits=True)
            found = times.entries_from(camera, start, end, writing)
        if not found:
            raise NothingRecorded(camera, start, times.nearest(camera, start, writing))
        return found, times, writing

    async def plan(
        self,
        camera: str,
        start: float,
        seconds: float,
        is_continued: bool = False,
        only_keys: bool = False,
    ) -> Piece:
        """A piece of a camera's recordings as one MP4, from the key frame at or before ``start``.

        Arguments:
            is_continued: True for a further part of a piece that was planned before: a recording
                may have grown since.
            only_keys: True for the key frames alone, without sound.

        Raises:
            NothingRecorded: nothing was recorded then.
            NotSupported: the first recording cannot be copied from.
            DiskError: the folder cannot be read.
        """
        key = camera, start, seconds, only_keys
        now = time.monotonic()
        kept = self._plans.get(key)
        if is_continued and kept is not None and now - kept[0] < _PLAN_AGE:
            self._plans[key] = now, kept[1]
            self._plans.move_to_end(key)
            return kept[1]
        end = start + seconds
        entries, times, writing = await self._find(camera, start, end)

        def plan() -> Piece:
            from twistedcam.recording.playback.planner import plan_piece

            files = self._key_files if only_keys else self._files
            made = plan_piece(files, entries, start, end)
            following = times.next_after(camera, made.end, writing)
            return replace(made, next=following if made.split is None else made.split[1])

        piece = await run_in_thread(self._make_thread, plan)
        self._plans[key] = now, piece
        self._plans.move_to_end(key)
        while len(self._plans) > _MAX_PLANS:
            self._plans.popitem(last=False)
        return piece

    async def playlist(self, piece: Piece, address: str) -> str:
        """An HLS playlist of a piece; see ``make_playlist``."""

        def make() -> str:
            from twistedcam.recording.playback.playlist import make_playlist

            return make_playlist(self._files, piece, address)

        return await run_in_thread(self._make_thread, make)

    def read(self, piece: Piece, first: int, last: int) -> Iterator[bytes]:
        """The bytes of a piece, in parts; each ``next`` blocks. See ``read_piece``."""
        from twistedcam.recording.playback.piece import read_piece

        files = self._key_files if piece.only_keys else self._files
        return read_piece(files, piece, first, last)

    async def picture(self, camera: str, at: float) -> bytes:
        """A small JPEG of the key frame at or before a time.

        Raises:
            NothingRecorded: nothing was recorded then.
            NoSuchRecording: the recording has no readable picture.
            DiskError: the folder cannot be read.
        """
        entry = (await self.entries(camera, at, at + _PICTURE_SECONDS))[0]
        since = max(0.0, at - entry.start)
        key = entry.recording, int(since / _PICTURE_SECONDS)
        if key not in self._pictures:
            await self._picture_slots.acquire()
            try:
                if key not in self._pictures:
                    made = await run_in_thread(
                        self._make_thread, lambda: self._read_picture(entry, since)
                    )
                    self._pictures[key] = made
            finally:
                self._picture_slots.release()
        self._pictures.move_to_end(key)
        while len(self._pictures) > _MAX_PICTURES:
            self._pictures.popitem(last=False)
        return self._pictures[key]

    def _read_picture(self, entry: LibraryEntry, since: float) -> bytes:
        try:
            fd, _ = self._files.open(file_name(entry.recording))
            try:
                return self._reader.picture(fd, since)
            finally:
                os.close(fd)
        except (UnreadableVideo, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise NoSuchRecording(f"{entry.recording} has no picture there: {reason}") from None

    async def export(
        self, camera: str, start: float, seconds: float, name: str | None = None
    ) -> tuple[SegmentResult, Piece]:
        """Write a piece to a file in the recordings folder; return it, and what it contains.

        One export is written at a time; others wait.

        Arguments:
            name: the file's name; None for ``CAMERA_DATE_TIME.mp4`` with the time of its start.

        Raises:
            BadArgument: the name is not valid, or is in use.
            NothingRecorded: nothing was recorded then.
            NotSupported: a recording cannot be copied from, or another begins with another codec or
                size; the message says which piece can be exported.
            DiskError: the file cannot be written.
        """
        if name is not None:
            name = check_name(name, (SUFFIX,))
        self._check_mount()
        check_folder(self._library.folder)
        piece = await self.plan(camera, start, seconds)
        if piece.split is not None:
            reason, time = piece.split
            raise BadArgument(
                f"{reason}: export {local_time(piece.start)} to {local_time(time)} "
                f"({piece.seconds:.1f} s), and the rest on its own"
            )
        async with self._exporting:
            path = reserve_path(self._library.folder, camera, piece.start, name)
            try:
                result = await run_in_thread(
                    self._make_thread, lambda: self._write(piece, path, camera)
                )
            finally:
                release_name(path)
        self._events.publish(
            RecordingChanged(
                camera,
                "saved",
                result.name,
                frames=result.frames,
                seconds=round(result.seconds, 3),
                bytes=result.bytes,
            )
        )
        return result, piece

    def _write(self, piece: Piece, path: Path, camera: str) -> SegmentResult:
        from twistedcam.recording.playback.export import write_export

        reserve = self._reserve()
        return write_export(self._files, piece, path, camera, reserve, lambda: not self._is_closed)
