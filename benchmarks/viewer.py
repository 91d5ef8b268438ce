"""Measures the cost of ``twistedcam view``, and the age of a picture on the screen."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks import run
from benchmarks.bench import Bench, Found
from benchmarks.own import serving
from benchmarks.processes import cpu_seconds
from benchmarks.servers import ROOT
from benchmarks.tables import cell, table

TITLE = "The viewer"
#: The first seconds of its figures, in which it starts.
_WARM = 2


def measure(bench: Bench) -> Found:
    """Measure without a window, and with one on a virtual screen if there is Xvfb."""
    found: Found = {}
    seconds = 3 * bench.seconds  # its p99 is of all painted pictures, so it needs many
    with serving() as (server, _):
        url = f"twistedcam://127.0.0.1:{server.target.port}"
        found["headless"] = _view(["--headless", url], os.environ, seconds)
        if shutil.which("Xvfb"):
            with _screen() as display:
                found["window"] = _view([url], {**os.environ, "DISPLAY": display}, seconds)
    bench.say(f"viewer: {found}")
    return found


def _view(words: list[str], env: Any, seconds: float) -> dict[str, float]:
    """Its cores, and the ages in milliseconds that it prints."""
    command = [sys.executable, "-m", "twistedcam", "view", "--stats", "json", *words]
    pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=pipe, stderr=quiet, text=True, bufsize=1
    )
    try:
        assert process.stdout is not None
        for _ in range(_WARM):
            process.stdout.readline()
        before = cpu_seconds(process.pid)
        told = [json.loads(process.stdout.readline()) for _ in range(max(1, round(seconds)))]
        used = cpu_seconds(process.pid) - before  # its figures come once a second
    finally:
        process.terminate()
        process.communicate(timeout=20)
    last = told[-1]
    return {
        "cores": used / len(told),
        "fps": last["fps"],
        "age_p50": last["age_p50_ms"],
        "age_p99": last["age_p99_ms"],
    }


@contextmanager
def _screen() -> Iterator[str]:
    """A virtual screen; its name."""
    reader, writer = os.pipe()
    words = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1400x900x24", "-noreset"]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(words, pass_fds=(writer,), stdout=quiet, stderr=quiet)
    os.close(writer)
    try:
        with os.fdopen(reader) as answer:
            yield f":{answer.readline().strip()}"
    finally:
        process.terminate()
        process.wait(10)


def tell(found: Found) -> list[str]:
    """A table."""
    forms = {"fps": ".1f", "cores": ".3f", "age_p50": ".1f", "age_p99": ".1f"}
    rows = [
        [name, *(cell([seen[key]], form) for key, form in forms.items())]
        for name, seen in found.items()
    ]
    return table(["`twistedcam view`", "fps", "cores", "age at paint p50, ms", "p99, ms"], rows)


if __name__ == "__main__":
    sys.exit(run.main(["--only", "viewer", *sys.argv[1:]]))
