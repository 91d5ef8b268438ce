"""The processor time, memory, threads and open files of this process, over time."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

#: Samples that are kept.
KEEP = 180


class ProcessSample(NamedTuple):
    """The figures of one moment. None: the system does not tell.

    Arguments:
        cpu: the share of one processor since the sample before, in percent; more than 100 if
            several processors were used.
        memory: bytes in memory.
        threads: the number of threads.
        files: the number of open files and connections.
    """

    cpu: float
    memory: int | None
    threads: int
    files: int | None


class ProcessFigures:
    """The newest samples, the oldest first.

    Arguments:
        seconds: returns the time of a monotonic clock.
        cpu_seconds: returns the processor time that the process has used.
    """

    def __init__(
        self,
        seconds: Callable[[], float] = time.monotonic,
        cpu_seconds: Callable[[], float] = time.process_time,
    ) -> None:
        self._seconds = seconds
        self._cpu_seconds = cpu_seconds
        self._before = (seconds(), cpu_seconds())
        self.samples: deque[ProcessSample] = deque(maxlen=KEEP)

    def sample(self) -> None:
        """Add a sample. Takes a tenth of a millisecond, and more with many connections."""
        now = (self._seconds(), self._cpu_seconds())
        passed, used = (new - old for new, old in zip(now, self._before, strict=True))
        if passed > 0:
            self._before = now
            cpu = round(100 * used / passed, 1)
            self.samples.append(ProcessSample(cpu, _memory(), _threads(), _files()))


def _memory() -> int | None:
    with suppress(OSError, ValueError, IndexError):  # proc(5)
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return None


def _threads() -> int:
    """Return the number of threads, with those of libraries if the system tells."""
    with suppress(OSError):
        return len(os.listdir("/proc/self/task"))
    return threading.active_count()


def _files() -> int | None:
    for folder in ("/proc/self/fd", "/dev/fd"):
        with suppress(OSError):
            return len(os.listdir(folder)) - 1  # that of the list itself
    return None
