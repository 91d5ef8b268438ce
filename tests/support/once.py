"""What is made once for all processes that run tests side by side."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """``folder``, filled by ``make(folder)`` unless another process has done so.

    The first process makes it while the others wait for its lock.

    Arguments:
        folder: what all processes call the same; its parent must be there.
        make: fills the folder, which it finds empty; after a failure the next process tries again.
    """
    done = folder.with_name(f"{folder.name}.done")
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.touch()
    return folder
