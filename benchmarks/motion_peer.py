"""Runs Motion, to compare with it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.servers import end
from tests.support.process import wait_for

#: All that is not here or in the arguments is as it is by default.
_SETTINGS = {
    "daemon": "off",
    "setup_mode": "off",
    "log_level": 4,
    "webcontrol_port": 0,
    "stream_port": 0,
    "picture_output": "off",
}
#: Seconds that Motion gets before it is measured.
_STARTS = 2


@contextmanager
def running_motion(
    folder: Path, has_begun: Callable[[], object], **settings: object
) -> Iterator[int]:
    """Run Motion with more settings; its process id.

    Arguments:
        folder: where its configuration is written, and its files.
        has_begun: returns something true once it reads the camera.

    Raises:
        SystemExit: it does not run.
    """
    file = folder / "motion.conf"
    lines = (f"{name} {value}\n" for name, value in (_SETTINGS | settings).items())
    file.write_text("".join(lines))
    words, quiet = ["motion", "-n", "-c", str(file)], subprocess.DEVNULL
    process = subprocess.Popen(words, cwd=folder, stdout=quiet, stderr=quiet)
    try:
        wait_for(has_begun, "Motion")
        time.sleep(_STARTS)
        if process.poll() is not None:
            raise SystemExit("Motion did not start")
        yield process.pid
    finally:
        end(process)
