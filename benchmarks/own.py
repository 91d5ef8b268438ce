"""Starts this server with its control port, for measurements that send commands."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.bench import webcam
from benchmarks.processes import cpu_seconds
from benchmarks.servers import WEBCAM, Running, Target
from tests.support.process import ServerProcess, wait_for


@contextmanager
def serving(*options: str) -> Iterator[tuple[Running, ServerProcess]]:
    """Start the server on a fake webcam, with a temporary recordings folder."""
    with (
        tempfile.TemporaryDirectory(prefix="twistedcam-bench-") as folder,
        webcam() as camera,
        ServerProcess(Path(folder), "--camera", WEBCAM, *options, env=camera.env) as server,
    ):
        wait_for(lambda: server.status()["state"] == "live", "the camera")
        time.sleep(1)
        yield Running(server.process.pid, Target("frames", server.frames[1])), server


def cores(pid: int, seconds: float) -> float:
    """Processor time of a process and its descendants, in seconds a second."""
    before, began = cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_seconds(pid) - before) / (time.monotonic() - began)
