"""Measures the age of the pictures at other viewers while 50 viewers do not read."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import asdict

from benchmarks import crowd, run
from benchmarks.bench import Bench, Found
from benchmarks.servers import FRAMES, HTTP
from benchmarks.tables import cell, ratio, table

TITLE = "Beside viewers who stopped reading"
STOPPED = 50
_WATCHING = 50


def measure(bench: Bench) -> Found:
    """Measure the age at many viewers, without and with stopped viewers."""
    found: Found = {}
    watching = min(_WATCHING, bench.viewers[-1])
    for each in bench.contestants():
        if each.name not in (FRAMES, HTTP):
            continue  # comparing the others would take long and show little
        runs: dict[str, list[dict[str, float]]] = {"0": [], str(STOPPED): []}
        for repeat in range(bench.repeats):
            with bench.running(each) as server:
                for count, loads in runs.items():
                    with (
                        crowd.stopped(server.target, int(count)) if count != "0" else nullcontext()
                    ):
                        load = crowd.watch(server, watching, bench.seconds)
                    loads.append(asdict(load))
                    bench.say(
                        f"{repeat + 1}: {each.name}, {count} stopped: p99 {load.age_p99:.1f} ms"
                    )
        found[each.name] = {"watching": watching, "stopped": runs}
    return found


def tell(found: Found) -> list[str]:
    """A table."""
    rows = []
    for name, server in found.items():
        runs = server["stopped"]
        alone, beside = ([load["age_p99"] for load in runs[key]] for key in ("0", str(STOPPED)))
        costs = [[load["cpu"] for load in runs[key]] for key in ("0", str(STOPPED))]
        rows.append(
            [
                name,
                cell(alone, ".1f"),
                cell(beside, ".1f"),
                ratio(beside, alone),
                *(cell(cost, ".2f") for cost in costs),
            ]
        )
    watching = next((server["watching"] for server in found.values()), 0)
    heads = [f"{watching} viewers, age p99, ms", "alone", f"beside {STOPPED} stopped", "ratio"]
    return table([*heads, "cores alone", "beside"], rows)


if __name__ == "__main__":
    sys.exit(run.main(["--only", "stopped", *sys.argv[1:]]))
