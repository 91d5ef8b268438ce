"""Measures one H.264 encode for one publish target, and for three and a recording."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from benchmarks import run
from benchmarks.bench import Bench, Found
from benchmarks.own import cores, serving
from benchmarks.tables import cell, ratio, table
from tests.support.process import ServerProcess, wait_for

TITLE = "One encode for all"
_CASES = {"1 target": (1, False), "3 targets": (3, False), "3 targets and a recording": (3, True)}


def measure(bench: Bench) -> Found:
    """Measure the server together with the processes that send."""
    found: Found = {name: [] for name in ("capture alone", *_CASES)}
    for repeat in range(bench.repeats):
        with serving() as (server, _):
            found["capture alone"].append(cores(server.pid, bench.seconds))
        for name, (targets, records) in _CASES.items():
            found[name].append(_case(bench, targets, records))
        bench.say(f"{repeat + 1}: encode: {found}")
    return found


def _case(bench: Bench, targets: int, records: bool) -> float:
    with tempfile.TemporaryDirectory(prefix="twistedcam-bench-") as folder:
        options = []
        for number in range(targets):
            Path(folder, str(number)).mkdir()
            options += ["--publish", f"hls:{folder}/{number}#name=t{number}"]
        with serving(*options) as (server, asked):
            wait_for(lambda: _live(asked) == targets, "the targets")
            if records:
                asked.command_lines("record start shared.mp4")
            time.sleep(1)
            return cores(server.pid, bench.seconds)


def _live(asked: ServerProcess) -> int:
    return sum(line == "state: live" for line in asked.command_lines("publish"))


def tell(found: Found) -> list[str]:
    """A table."""
    alone = found["1 target"]
    rows = [
        [name, cell(values, ".3f"), "" if name == "capture alone" else ratio(values, alone)]
        for name, values in found.items()
    ]
    return table(["H.264, 1280x720 at 30/s, to HLS folders", "cores", "÷ 1 target"], rows)


if __name__ == "__main__":
    sys.exit(run.main(["--only", "sharing", *sys.argv[1:]]))
