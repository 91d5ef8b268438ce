"""A file that is hidden while it is written, and then gets its name in one step."""

from __future__ import annotations

import errno
import io
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from twistedcam.errors import DiskError
from twistedcam.runtime.atomic_file import sync_file, sync_folder
from twistedcam.runtime.file_system import WriterLock, move_without_replacing

PREFIX, SUFFIX, WHOLE = ".", ".part", ".whole"
#: Seconds to wait when the process has too many open files.
PATIENCE = 2.0
#: Seconds between two attempts.
_POLL = 0.02


def part_of(path: Path) -> Path:
    """The path of a file while it is written."""
    return path.with_name(f"{PREFIX}{path.name}{SUFFIX}")


def whole_of(path: Path) -> Path:
    """The path of a copy that will replace a file. It is removed after a crash."""
    return path.with_name(f"{PREFIX}{path.name}{WHOLE}")


def name_of_part(name: str) -> str | None:
    """The final name of a file that has this name while it is written; else None."""
    if name.startswith(PREFIX) and name.endswith(SUFFIX) and len(name) > len(PREFIX + SUFFIX):
        return name[len(PREFIX) : -len(SUFFIX)]
    return None


class PartFile(io.RawIOBase):
    """The output file of a muxer.

    It is in memory until ``create`` is called, so that no file without a picture is created. After
    the first error nothing more is written, and the muxer does not notice; what was there at the
    last ``mark`` can be kept. The file is locked while it is open: one that is not locked has no
    writer.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.part = part_of(path)
        self.error: OSError | None = None
        self._file: io.BytesIO | io.FileIO = io.BytesIO()
        self._good = 0
        self._end = 0
        #: The position of the next write.
        self._at = 0
        self._tail = 0
        self._lock: WriterLock | None = None

    @property
    def size(self) -> int:
        """The number of bytes so far."""
        return self._end

    @property
    def is_created(self) -> bool:
        """True if it is on the disk."""
        return isinstance(self._file, io.FileIO)

    @property
    def is_worth_keeping(self) -> bool:
        """True if the file on the disk can be read."""
        return self.is_created and (self.error is None or self._good > 0)

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        """Write all of it, or remember the error; the muxer does not notice."""
        view = memoryview(data)  # type: ignore[arg-type]
        if self.error is None:
            try:
                self._drop_tail(self._at + len(view))
                self._write(view)
                self._at += len(view)
                self._end = max(self._end, self._at)
            except OSError as error:
                self.error = error
        return len(view)

    def change(self, change: Callable[[io.BytesIO | io.FileIO], None]) -> None:
        """Change what is written already. The position stays the same.

        Raises:
            OSError: the file cannot be read or written.
        """
        change(self._file)
        self._file.seek(self._at)

    def overwrite(self, position: int, data: bytes) -> None:
        """Write over bytes that are there; an error is remembered, as in ``write``."""
        if self.error is not None:
            return
        try:
            self._file.seek(position)
            self._write(memoryview(data))
            self._file.seek(self._at)
        except OSError as error:
            self.error = error

    def put_tail(self, data: bytes) -> None:
        """Write data behind the file that is kept only until more is written.

        After a crash it is still there. An error is remembered, as in ``write``.
        """
        if self.error is not None:
            return
        try:
            self._drop_tail(self._end + len(data))
            self._file.seek(self._end)
            self._tail = len(data)
            self._write(memoryview(data))
            self._file.seek(self._at)
        except OSError as error:
            self.error = error

    def _drop_tail(self, end: int) -> None:
        """Remove the tail, unless it will be overwritten up to ``end``."""
        if self._tail and end < self._end + self._tail:
            self._file.truncate(self._end)
        self._tail = 0

    def _write(self, view: memoryview) -> None:
        written = 0
        while written < len(view):
            count = self._file.write(view[written:])
            if not count:  # None: it would block
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            written += count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if self.error is not None:
            return max(0, offset)
        self._at = self._file.seek(offset, whence)
        return self._at

    def tell(self) -> int:
        return self._at

    def create(self) -> None:
        """Create the file on the disk, if it is in memory.

        Raises:
            OSError: it cannot be created, or exists.
        """
        if isinstance(self._file, io.FileIO):
            return
        memory = self._file
        file, self._lock = self._open()
        at, self._at = self._at, 0
        self._file = file
        self.write(memory.getvalue())
        if self.error is None:
            self._at = file.seek(at)
        else:
            self._good = 0  # what was marked in memory is not on the disk

    def _open(self) -> tuple[io.FileIO, WriterLock]:
        """Create and lock the file. If the process has too many open files, wait."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                file = open(self.part, "x+b", buffering=0)  # noqa: SIM115
            except OSError as error:
                if error.errno == errno.EINVAL:  # what FAT says of a colon in a name
                    raise OSError(errno.EINVAL, "the file system does not take this name") from None
                if error.errno not in (errno.EMFILE, errno.ENFILE) or time.monotonic() > until:
                    raise
                time.sleep(_POLL)
                continue
            # Another server that starts now may take it for one that a crash has left, and remove
            # it before it is locked.
            with suppress(BlockingIOError):
                lock = WriterLock(file.fileno(), self.part)
                if self.part.exists() or time.monotonic() > until:
                    return file, lock
                lock.release()
            file.close()
            time.sleep(_POLL)

    def mark(self) -> None:
        """Remember that the file is readable as it is now."""
        if self.error is None:
            self._good = self._end

    def publish(self, make_copy: Callable[[Path], Path | None] = lambda part: None) -> Path:
        """Sync the file, give it its final name or a free one like it, and return its path.

        Arguments:
            make_copy: returns a synced copy of the finished file to publish instead, or None.

        Raises:
            OSError: that failed, and the file stays under its hidden name; or it has its name, but
                the folder could not be synced: after a power cut it may be hidden again.
        """
        assert isinstance(self._file, io.FileIO)
        try:
            if self.error is not None:
                os.ftruncate(self._file.fileno(), self._good)
            else:
                self._drop_tail(self._end)
            sync_file(self._file.fileno())
            path = self._give_name_to(make_copy(self.part) if self.error is None else None)
        finally:
            self.close()
        sync_folder(path.parent)
        return path

    def _give_name_to(self, copy: Path | None) -> Path:
        if copy is None:
            return move_without_replacing(self.part, self.path)
        try:
            path = move_without_replacing(copy, self.path)
        except OSError:
            copy.unlink(missing_ok=True)
            return move_without_replacing(self.part, self.path)
        self.part.unlink(missing_ok=True)
        return path

    def discard(self) -> None:
        """Remove the file."""
        if self.is_created:
            self.part.unlink(missing_ok=True)
        with suppress(OSError):
            self.close()

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        if self._lock is not None:
            self._lock.release()
        if not self.closed:
            try:
                self._file.close()
            finally:
                super().close()


def disk_error(name: str, error: BaseException) -> DiskError:
    """A DiskError with the system's reason."""
    return DiskError(f"{name}: {getattr(error, 'strerror', None) or error}")
