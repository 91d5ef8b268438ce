"""What a server under soak takes for its wall clock and its disk."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Protocol

from tests.fakecam.build import cache_directory

HERE = Path(__file__).parent
#: The small disk's size, in bytes.
ROOM = 64 << 20


def build() -> Path:
    """The library to preload, compiled if it is older than its source."""
    library, source = cache_directory() / "soak.so", HERE / "shim.c"
    if not library.exists() or library.stat().st_mtime < source.stat().st_mtime:
        made = library.with_suffix(f".{os.getpid()}")
        command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-o", str(made), str(source), "-ldl"]
        subprocess.run(command, check=True)
        made.replace(library)
    return library


class World:
    """Sets the clock of programs that are started with ``variables``, and fills their disk.

    Arguments:
        folder: where its file goes.
        disk: the folder whose files cannot be written while the disk is full.
    """

    def __init__(self, folder: Path, disk: Path) -> None:
        path = folder / "world"
        path.write_bytes(bytes(16))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 16)
        self.variables = {
            "LD_PRELOAD": str(build()),
            "SOAK_WORLD": str(path),
            "SOAK_DISK": str(disk.resolve()),
        }

    def set_clock(self, ahead: float) -> None:
        """From now on the wall clock is so many seconds ahead of the true one."""
        self._map[:8] = struct.pack("=q", int(ahead * 1e6))

    def set_full(self, full: bool) -> None:
        """From now on writing fails, or does not."""
        self._map[8:] = struct.pack("=q", full)


class Disk(Protocol):
    """A disk that can be filled."""

    #: What it is, for the report.
    kind: str

    def fill(self) -> None:
        """No byte can be written any more."""

    def free(self) -> None:
        """There is room again."""

    def is_narrow(self) -> bool:
        """Whether recordings should make room."""

    def close(self) -> None:
        """It is no longer needed."""


class SmallDisk:
    """A file system in memory, mounted on the folder: what programs see of it is real.

    Raises:
        OSError: this user may not mount.
    """

    kind = f"a file system of {ROOM >> 20} MiB"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        options = f"size={ROOM},mode=700"
        words = ["mount", "-t", "tmpfs", "-o", options, "soak", str(folder)]
        if (
            shutil.which("mount") is None
            or subprocess.run(words, capture_output=True, check=False).returncode
        ):
            raise OSError(errno.EPERM, "no file system can be mounted here")

    @property
    def _ballast(self) -> Path:
        return self._folder / ".ballast"

    def fill(self) -> None:
        """Write until nothing goes any more."""
        with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(1 << 20))
        with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def free(self) -> None:
        """There is room again."""
        self._ballast.unlink(missing_ok=True)

    def is_narrow(self) -> bool:
        """Whether less than half is free, but for what fills it."""
        state = os.statvfs(self._folder)
        ballast = self._ballast.stat().st_size if self._ballast.exists() else 0
        return state.f_bavail * state.f_frsize + ballast < ROOM / 2

    def close(self) -> None:
        """Unmount it."""
        subprocess.run(["umount", "-l", str(self._folder)], check=False)


class RefusingDisk:
    """For those who may not mount: the folder's files refuse to be written."""

    kind = "a folder whose files refuse to be written (this user may not mount)"

    def __init__(self, folder: Path, world: World) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._world = world

    def fill(self) -> None:
        """Every write fails."""
        self._world.set_full(True)

    def free(self) -> None:
        """Writing goes again."""
        self._world.set_full(False)

    def is_narrow(self) -> bool:
        """Whether there are more files than are needed."""
        return sum(each.stat().st_size for each in self._folder.glob("*.*")) > ROOM / 2

    def close(self) -> None:
        """Nothing is left."""


def make_disk(folder: Path, world: World) -> Disk:
    """The realest disk that this user may have."""
    try:
        return SmallDisk(folder)
    except OSError:
        return RefusingDisk(folder, world)
