"""Finishes files that a crash has left unfinished."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from twistedcam.recording.containers import CONTAINERS
from twistedcam.recording.library.media_reader import MediaReader, ReadingFailed
from twistedcam.recording.library.probe import start_time
from twistedcam.recording.media_worker.remux import Copied
from twistedcam.recording.media_worker.video_file import UnreadableVideo
from twistedcam.recording.writer.avi_date import write_date
from twistedcam.recording.writer.metadata_tag import Tag
from twistedcam.recording.writer.part_file import WHOLE, name_of_part, whole_of
from twistedcam.runtime.atomic_file import sync_file, sync_folder
from twistedcam.runtime.file_system import WriterLock, move_without_replacing
from twistedcam.runtime.regular_file import open_regular
from twistedcam.util.escaped_name import show_name

#: Seconds for which a file is watched for growth, on file systems without locks.
WATCHED = 1.0


@dataclass(frozen=True)
class Recovered:
    """The outcome for one file.

    Arguments:
        name: its name now; None if it could not be finished.
        camera: the camera's name; empty if unknown.
        was: its hidden name, as from ``show_name``.
        kept: without a name: True if it stays because it cannot be read, False if it was deleted
            because it had no picture.
        whole: False if it has no index for lack of room; it plays all the same.
    """

    name: str | None
    camera: str
    was: str
    frames: int = 0
    seconds: float = 0.0
    bytes: int = 0
    kept: bool = False
    whole: bool = True


def recover(folder: Path, reader: MediaReader) -> Iterator[Recovered]:
    """Finish the unfinished files in a folder that nobody writes. Blocks.

    Only regular files are touched. A file that cannot be finished does not affect the others.

    Raises:
        OSError: the folder cannot be read.
    """
    if not folder.is_dir():
        return
    names = sorted(os.listdir(folder))
    for name in names:
        if name.startswith(".") and name.endswith(WHOLE):
            with suppress(OSError):  # an unfinished copy: its original still exists
                (folder / name).unlink()
    for name in names:
        final = name_of_part(name)
        if final is None or Path(final).suffix.lower() not in CONTAINERS:
            continue
        try:
            with _locked(folder / name) as fd:
                if fd is not None and _has_name(fd, folder / final):
                    (folder / name).unlink()  # the crash came while it was renamed
                elif fd is not None:
                    yield _Unfinished(folder / name, folder / final, fd, reader).finish()
        except FileNotFoundError:
            continue  # its writer or another server has finished it
        except OSError:
            yield Recovered(None, "", show_name(name), kept=True)


@contextmanager
def _locked(part: Path) -> Iterator[int | None]:
    """The open and locked file; None if it still has a writer.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    fd = open_regular(part, os.O_RDWR)  # NFS locks only writable files
    try:
        try:
            lock = WriterLock(fd, part)
        except BlockingIOError:
            yield None
            return
        try:
            # Its writer or another server may have renamed it since it was opened.
            is_left = _has_name(fd, part) and not (lock.is_local and _grows(fd))
            yield fd if is_left else None
        finally:
            lock.release()
    finally:
        os.close(fd)


def _grows(fd: int) -> bool:
    """True if another computer writes to it: without locks nothing else shows that."""
    before = os.fstat(fd)
    time.sleep(WATCHED)
    after = os.fstat(fd)
    return (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)


def _has_name(fd: int, path: Path) -> bool:
    """True if the path is a name of the open file."""
    try:
        return os.path.samestat(os.fstat(fd), os.lstat(path))
    except OSError:
        return False


class _Unfinished:
    """An unfinished file."""

    def __init__(self, part: Path, path: Path, fd: int, reader: MediaReader) -> None:
        self._part = part
        self._path = path
        self._container = CONTAINERS[path.suffix.lower()]
        self._fd = fd
        self._reader = reader
        self._whole = whole_of(path)
        self._was = show_name(part.name)

    def finish(self) -> Recovered:
        """Finish the file as far as possible.

        Raises:
            OSError: that failed, and the file is unchanged.
        """
        if self._container.is_fragmented:
            from twistedcam.recording.mp4.torn_end import mend_end  # most starts need it not

            mend_end(self._fd)
        try:
            found, size = self._copy()
        except (OSError, UnreadableVideo):
            # No room for a copy, or broken: keep it as it is.
            self._whole.unlink(missing_ok=True)
            return self._keep()
        if not found.frames:
            self._whole.unlink(missing_ok=True)
            self._part.unlink()
            return Recovered(None, "", self._was)
        name = move_without_replacing(self._whole, self._path).name
        self._part.unlink()
        sync_folder(self._path.parent)
        tag = Tag.parse(found.metadata.get("comment", ""))
        camera = tag.camera if tag is not None else ""
        return Recovered(show_name(name), camera, self._was, found.frames, found.seconds, size)

    def _keep(self) -> Recovered:
        """Give the file its name as it is, if it has a picture."""
        held = self._has_packet()
        if not held:
            kept = held is None and os.fstat(self._fd).st_size > 0
            if not kept:
                self._part.unlink()
            return Recovered(None, "", self._was, kept=kept)
        name = move_without_replacing(self._part, self._path).name
        sync_folder(self._path.parent)
        size = os.fstat(self._fd).st_size
        return Recovered(show_name(name), "", self._was, bytes=size, whole=False)

    def _copy(self) -> tuple[Copied, int]:
        """Copy the video into a complete file; return the result and the bytes of the copy.

        Raises:
            UnreadableVideo: the file cannot be read.
            OSError: the copy cannot be written.
        """
        container = self._container
        options = {key: value for key, value in container.options.items() if key != "movflags"}
        fd = open_regular(self._whole, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        with open(fd, "r+b", buffering=0) as file:
            found = self._reader.copy(self._fd, fd, container.muxer, options)
            began = start_time(found.metadata)
            if found.frames and container.muxer == "avi" and began is not None:
                write_date(file, began)
            sync_file(fd)
            return found, os.fstat(fd).st_size

    def _has_packet(self) -> bool | None:
        """True if the file has video in it; None if it cannot be read.

        Raises:
            OSError: the reader failed; the file may be good.
        """
        try:
            return self._reader.has_packet(self._fd)
        except ReadingFailed as error:
            raise OSError(errno.EIO, str(error)) from None
        except UnreadableVideo:
            return None
