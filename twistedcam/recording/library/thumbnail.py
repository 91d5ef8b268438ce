"""Thumbnails of recordings, made once and cached."""

from __future__ import annotations

import math
import os
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.python.failure import Failure

from twistedcam.recording.library.hidden_folder import THUMBNAILS, HiddenFolder, thumbnail_name
from twistedcam.recording.library.media_reader import MediaReader
from twistedcam.recording.media_worker.video_file import UnreadableVideo
from twistedcam.recording.writer.part_file import part_of
from twistedcam.runtime.regular_file import is_regular, open_regular

#: Thumbnails made at the same time.
AT_ONCE = 2
#: Seconds for which the thumbnail of an unfinished recording is cached.
FRESH = 5.0
#: Seconds until a file is read again whose picture has taken too long.
PAUSE = 60.0
#: Cached thumbnails in memory at most, and remembered files that have none.
_MAX_KEPT = 64
_MAX_REFUSED = 1024
#: Bytes of a thumbnail on the disk at most.
_MAX_BYTES = 1 << 20


class Thumbnails:
    """Thumbnails of the recordings in a folder.

    Arguments:
        run: runs a function on a thread.
        now: returns the time in seconds.
    """

    def __init__(
        self,
        folder: Path,
        hidden: HiddenFolder,
        reader: MediaReader,
        run: Callable[[Callable[[], bytes]], Awaitable[bytes]],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._hidden = hidden
        self._reader = reader
        self._run = run
        self._now = now
        self._room = DeferredSemaphore(AT_ONCE)
        #: Callers that wait for a thumbnail that is being made, by name.
        self._waiting: dict[str, list[Deferred[bytes]]] = {}
        #: Thumbnails in memory with the time until which they are valid.
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        #: Stamps of files without a thumbnail, why there is none, and until when that counts.
        self._refused: OrderedDict[str, tuple[tuple[int, int], str, float]] = OrderedDict()

    async def get(self, name: str) -> bytes:
        """A JPEG of a recording's first picture; the recording may be unfinished.

        Raises:
            UnreadableVideo: the file has no readable picture.
            OSError: the file cannot be opened.
        """
        kept = self._kept.get(name)
        if kept is not None and self._now() < kept[0]:
            return kept[1]
        if name in self._waiting:
            mine: Deferred[bytes] = Deferred()
            self._waiting[name].append(mine)
            return await mine
        self._waiting[name] = []
        await self._room.acquire()
        try:
            made = await self._run(lambda: self._get(name))
        except BaseException:
            failure = Failure()
            for each in self._waiting.pop(name):
                each.errback(failure)
            raise
        finally:
            self._room.release()
        for each in self._waiting.pop(name):
            each.callback(made)
        return made

    def forget(self, name: str) -> None:
        """Remove the thumbnail of a deleted recording. Blocks."""
        self._kept.pop(name, None)
        self._refused.pop(name, None)
        with suppress(OSError):  # a leftover does no harm
            self._hidden.remove(thumbnail_name(name), within=THUMBNAILS)

    def _get(self, name: str) -> bytes:
        path = self._folder / name
        is_complete = is_regular(path)
        fd = open_regular(path if is_complete else part_of(path))
        try:
            found = os.fstat(fd)
            if is_complete and (kept := self._kept_on_disk(name, found.st_mtime_ns)):
                return kept
            stamp = found.st_size, found.st_mtime_ns
            refused = self._refused.get(name)
            if refused is not None and refused[0] == stamp and self._now() < refused[2]:
                raise UnreadableVideo(refused[1])
            try:
                made = self._reader.picture(fd)
            except UnreadableVideo as error:
                until = self._now() + PAUSE if error.is_temporary else math.inf
                _put(self._refused, name, (stamp, str(error), until), _MAX_REFUSED)
                raise
        finally:
            os.close(fd)
        if not (is_complete and self._keep_on_disk(name, made)):
            _put(self._kept, name, (self._now() + FRESH, made), _MAX_KEPT)
        return made

    def _keep_on_disk(self, name: str, made: bytes) -> bool:
        try:
            self._hidden.write(thumbnail_name(name), made, within=THUMBNAILS)
        except OSError:
            return False  # a full or read-only disk: keep it in memory
        return True

    def _kept_on_disk(self, name: str, changed: int) -> bytes | None:
        """The thumbnail on the disk, if the recording has not changed since."""
        try:
            data, made = self._hidden.read(thumbnail_name(name), _MAX_BYTES, within=THUMBNAILS)
        except OSError:
            return None
        is_jpeg = data.startswith(b"\xff\xd8\xff") and data.endswith(b"\xff\xd9")
        return data if is_jpeg and made >= changed else None


def _put(kept: OrderedDict[str, Any], name: str, value: Any, most: int) -> None:
    kept[name] = value
    kept.move_to_end(name)
    while len(kept) > most:
        kept.popitem(last=False)
