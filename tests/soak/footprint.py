"""What a process holds: threads, open files, memory."""

from __future__ import annotations

import contextlib
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path


class Footprint:
    """What a process holds, from /proc."""

    def __init__(self, pid: int) -> None:
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        )
        self.threads = int(status["Threads"])
        self.open = Counter(_open_files(pid))
        self.files = self.open.total()
        self.kilobytes = int(status["VmRSS"].split()[0])
        #: Of these, what is no part of a file: heaps and stacks.
        self.anonymous = int(status["RssAnon"].split()[0])

    def __str__(self) -> str:
        memory = f"{self.kilobytes} KB ({self.anonymous} anonymous)"
        return f"{self.threads} threads, {self.files} files, {memory}"


def _open_files(pid: int) -> Iterator[str]:
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            yield re.sub(r"\d+", "N", os.readlink(entry))
