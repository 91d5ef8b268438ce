"""A file that is being written: hidden until it is whole, then there in one step."""

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
from twistedcam.runtime.file_system import WriterLock, give_name

PREFIX, SUFFIX, WHOLE = ".", ".part", ".whole"
#: Seconds to wait for a file when the process has as many as it may have.
PATIENCE = 2.0
#: Seconds between two attempts to have one.
_POLL = 0.02


def part_of(path: Path) -> Path:
    """Where a file is while it is being written."""
    return path.with_name(f"{PREFIX}{path.name}{SUFFIX}")


def whole_of(path: Path) -> Path:
    """Where a copy of a file is made that is to take its place. What a crash leaves is removed."""
    return path.with_name(f"{PREFIX}{path.name}{WHOLE}")


def name_of_part(name: str) -> str | None:
    """The name that a file will have, from the name it has while it is written; else None."""
    if name.startswith(PREFIX) and name.endswith(SUFFIX) and len(name) > len(PREFIX + SUFFIX):
        return name[len(PREFIX) : -len(SUFFIX)]
    return None


class PartFile(io.RawIOBase):
    """What a muxer writes to.

    Until ``appear`` is called it is in memory, so that there is never a file without a picture.
    After the first error nothing more is written: the muxer is let run on into nothing, and
    what was good at the last ``mark`` can be kept. The file is locked as long as it is open: one
    that is not locked has no writer any more.

    Arguments:
        path: the final one.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.part = part_of(path)
        self.error: OSError | None = None
        self._file: io.BytesIO | io.FileIO = io.BytesIO()
        self._good = 0
        self._end = 0
        self._tail = 0
        self._lock: WriterLock | None = None

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._end

    @property
    def appeared(self) -> bool:
        """Whether it is on the disk."""
        return isinstance(self._file, io.FileIO)

    @property
    def is_worth_keeping(self) -> bool:
        """Whether what is on the disk can be read."""
        return self.appeared and (self.error is None or self._good > 0)

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        """All of it, or none and an error that is remembered; the muxer never hears of it."""
        view = memoryview(data)  # type: ignore[arg-type]
        if self.error is None:
            try:
                self._drop_tail(self._file.tell() + len(view))
                self._write(view)
                self._end = max(self._end, self._file.tell())
            except OSError as error:
                self.error = error
        return len(view)

    def change(self, change: Callable[[io.BytesIO | io.FileIO], None]) -> None:
        """Change what is written already; where the muxer goes on stays as it is.

        Raises:
            OSError: it cannot be done.
        """
        at = self._file.tell()
        change(self._file)
        self._file.seek(at)

    def put_tail(self, data: bytes) -> None:
        """Let this stand behind the file until more is written: a crash does not cost it.

        An error is remembered, as in ``write``.
        """
        if self.error is not None:
            return
        try:
            at = self._file.tell()
            self._drop_tail(self._end + len(data))
            self._file.seek(self._end)
            self._tail = len(data)
            self._write(memoryview(data))
            self._file.seek(at)
        except OSError as error:
            self.error = error

    def _drop_tail(self, end: int) -> None:
        """Of what stands behind the file nothing may be left beyond what is written over it."""
        if self._tail and end < self._end + self._tail:
            self._file.truncate(self._end)
        self._tail = 0

    def _write(self, view: memoryview) -> None:
        written = 0
        while written < len(view):
            count = self._file.write(view[written:])
            if not count:  # None: it would block, which a file on a disk never should
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            written += count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if self.error is not None:
            return max(0, offset)
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def appear(self) -> None:
        """Be on the disk from now on.

        Raises:
            OSError: it cannot be made, or there is one already.
        """
        if isinstance(self._file, io.FileIO):
            return
        memory = self._file
        file, self._lock = self._open()
        at = memory.tell()
        self._file = file
        self.write(memory.getvalue())
        if self.error is None:
            file.seek(at)
        else:
            self._good = 0  # what was marked in memory did not get here

    def _open(self) -> tuple[io.FileIO, WriterLock]:
        """The file on the disk, locked. If none is to be had, it waits for one: frames can wait."""
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
            # Another server that starts now may take it for one that was left behind, and remove
            # it before it is locked.
            with suppress(BlockingIOError):
                lock = WriterLock(file.fileno(), self.part)
                if self.part.exists() or time.monotonic() > until:
                    return file, lock
                lock.release()
            file.close()
            time.sleep(_POLL)

    def mark(self) -> None:
        """All that was written up to here makes a readable file."""
        if self.error is None:
            self._good = self._end

    def publish(self, make_copy: Callable[[Path], Path | None] = lambda part: None) -> Path:
        """To the disk, and under its final name, or a free one like it; where it is now.

        Arguments:
            make_copy: makes a better copy of the finished file, on the disk; None: there is none.

        Raises:
            OSError: it could not be done; what there is stays under its hidden name. Or it has
                its name, and the folder could not be written: it may be hidden after a power cut.
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
            return give_name(self.part, self.path)
        try:
            path = give_name(copy, self.path)
        except OSError:
            copy.unlink(missing_ok=True)
            return give_name(self.part, self.path)
        self.part.unlink(missing_ok=True)
        return path

    def discard(self) -> None:
        """There is nothing worth keeping."""
        if self.appeared:
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
    """The error with the system's reason."""
    return DiskError(f"{name}: {getattr(error, 'strerror', None) or error}")
