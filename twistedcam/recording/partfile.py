"""A file that is being written: hidden until it is whole, then there in one step."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import time
from collections.abc import Callable
from pathlib import Path

from twistedcam.errors import DiskError

#: What a file system says that has no hard links (FAT, some network ones).
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
PREFIX, SUFFIX = ".", ".part"
#: Seconds to wait for a file when the process has as many as it may have.
PATIENCE = 2.0


def part_of(path: Path) -> Path:
    """Where a file is while it is being written."""
    return path.with_name(f"{PREFIX}{path.name}{SUFFIX}")


def name_of_part(name: str) -> str | None:
    """The name that a file will have, from the name it has while it is written; else None."""
    if name.startswith(PREFIX) and name.endswith(SUFFIX) and len(name) > len(PREFIX + SUFFIX):
        return name[len(PREFIX) : -len(SUFFIX)]
    return None


class PartFile(io.RawIOBase):
    """What a muxer writes to.

    Until ``appear`` is called it is in memory, so that there is never a file without a picture.
    After the first error nothing more is written: the muxer is let run on into nothing, and
    what was good at the last ``mark`` can be kept. The file is locked as long as it is open: who
    finds one that is not locked knows that its writer is dead.

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
        file = self._open()
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            self.part.unlink(missing_ok=True)
            raise
        at = memory.tell()
        self._file = file
        self.write(memory.getvalue())
        if self.error is None:
            file.seek(at)
        else:
            self._good = 0  # what was marked in memory did not get here

    def _open(self) -> io.FileIO:
        """The file on the disk. If none is to be had, it waits for one: frames can wait too."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return open(self.part, "x+b", buffering=0)
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE) or time.monotonic() > until:
                    raise
            time.sleep(0.02)

    def mark(self) -> None:
        """All that was written up to here makes a readable file."""
        if self.error is None:
            self._good = self._end

    def publish(self) -> Path:
        """To the disk, and under its final name, or a free one like it; where it is now.

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
            os.fsync(self._file.fileno())
            path = give_name(self.part, self.path)
        finally:
            self.close()
        sync_folder(path.parent)
        return path

    def discard(self) -> None:
        """There is nothing worth keeping."""
        if self.appeared:
            self.part.unlink(missing_ok=True)
        self.close()

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def give_name(part: Path, path: Path) -> Path:
    """Move a file to its final name, in one step and over no other file; where it is then.

    Raises:
        OSError: it could not be done.
    """
    number, target = 1, path
    while True:
        try:
            os.link(part, target)
        except FileExistsError:
            number += 1
            target = path.with_stem(f"{path.stem}-{number}")
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if target.exists():  # a file system without hard links
                number += 1
                target = path.with_stem(f"{path.stem}-{number}")
                continue
            os.rename(part, target)
            return target
        else:
            os.unlink(part)
            return target


def sync_folder(folder: Path) -> None:
    """See that names in a folder are on the disk; left to the system if no file is to be had.

    Raises:
        OSError: the disk refuses.
    """
    try:
        fd = os.open(folder, os.O_RDONLY)
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            return
        raise
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def disk_error(name: str, error: BaseException) -> DiskError:
    """The error with the system's reason."""
    return DiskError(f"{name}: {getattr(error, 'strerror', None) or error}")
