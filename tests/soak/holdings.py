"""What a server holds, seen from outside and told from inside; and what of it is left over."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

from tests.soak.footprint import Footprint
from tests.support.process import wait_for

#: Two cameras, three kinds of viewers.
MAX_FRAMES = 6


class Holdings:
    """What a server holds when nobody is there.

    Arguments:
        pid: its process, which runs ``tests.soak.inside``.
        told: the file in which it says so.
    """

    def __init__(self, pid: int, told: Path) -> None:
        told.unlink(missing_ok=True)
        os.kill(pid, signal.SIGUSR1)
        wait_for(told.exists, "the server to say what it holds")
        self._inside: dict[str, Any] = json.loads(told.read_text())
        footprint = Footprint(pid)
        self.open = footprint.open
        #: Memory files: a camera's newest frame has one for each kind of viewer that it had.
        self.frames = self.open.pop("/memfd:frame (deleted)", 0)
        #: Threads of the process, those of C libraries too.
        self.tasks = footprint.threads
        self.timers = Counter(self._inside["timers"])
        #: Of memory, when what is no longer needed has been given back.
        self.kilobytes, self.anonymous = footprint.kilobytes, footprint.anonymous
        #: Of the allocator; None where it does not say.
        self.heaps: int | None = self._inside["heaps"]

    def __str__(self) -> str:
        return (
            f"{self.tasks} threads, {self.open.total()} files, "
            f"{self.timers.total()} timers, {self._inside['deferreds']} Deferreds, "
            f"{self.kilobytes} KB ({self.anonymous} anonymous, heaps: {self.heaps})"
        )

    @property
    def deferreds(self) -> int:
        """The number of Deferreds that have not fired."""
        return int(self._inside["deferreds"])

    def since(self, before: Holdings) -> list[str]:
        """What is there that was not there before."""
        faults = []
        if more := self.timers - before.timers:
            faults.append(f"timers left over: {dict(more)}")
        if more := Counter(self._inside["coroutines"]) - Counter(before._inside["coroutines"]):
            faults.append(f"coroutines left over: {dict(more)}")
        if more := Counter(self._inside["threads"]) - Counter(before._inside["threads"]):
            faults.append(f"threads left over: {dict(more)}")
        elif self.tasks > before.tasks:
            faults.append(f"{self.tasks - before.tasks} threads of libraries left over")
        if (count := self.deferreds - before.deferreds) > 0:
            faults.append(f"{count} Deferreds left over")
        if more := self.open - before.open:
            faults.append(f"files left over: {dict(more)}")
        if self.frames > MAX_FRAMES:
            faults.append(f"{self.frames} frames are kept")
        if self.heaps is not None and self.heaps > 1:
            faults.append(f"memory is taken from {self.heaps} heaps, which fill with holes")
        return faults

    def objects_since(self, before: Holdings) -> Counter[str]:
        """Objects of Twisted and of this program that there are more of."""
        return Counter(self._inside["objects"]) - Counter(before._inside["objects"])
