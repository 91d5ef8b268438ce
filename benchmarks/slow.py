"""Measures the age of the pictures at a viewer that reads 1 MB/s of a stream that needs 3."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack

from benchmarks import run
from benchmarks.bench import Bench, Found
from benchmarks.crowd import Sampler, percentiles
from benchmarks.servers import FLOOR
from benchmarks.tables import table

TITLE = "A slow viewer"
#: Bytes a second.
LIMIT = 1_000_000


def measure(bench: Bench) -> Found:
    """Measure one slow viewer on each server, all at the same time, because no server is busy."""
    # The floor does not handle slow viewers, so it is not compared.
    chosen = [each for each in bench.contestants() if each.name != FLOOR]
    bench.say(f"slow viewers for {bench.slow_seconds:g} s")
    found: Found = {}
    with ExitStack() as stack:
        samplers = {}
        for each in chosen:
            try:
                server = stack.enter_context(bench.running(each))
            except SystemExit as reason:  # one that does not start is missing in the table
                bench.say(str(reason))
                continue
            samplers[each.name] = Sampler(server.target, LIMIT)
        with ExitStack() as watching:
            for sampler in samplers.values():
                watching.enter_context(sampler)
            time.sleep(bench.slow_seconds)
        for each in [each for each in chosen if each.name in samplers]:
            ages = samplers[each.name].ages
            found[each.name] = {
                "version": each.says_version() if each.is_peer else "",
                "ages": [(round(at - ages[0][0], 3), age) for at, age in ages],
            }
    return found


def tell(found: Found) -> list[str]:
    """A table; its first second is left out."""
    rows = []
    for name, server in found.items():
        ages = server["ages"]
        p50, p99 = percentiles([age for at, age in ages if at > 1])
        fps = len(ages) / ages[-1][0] if ages and ages[-1][0] else 0.0
        rows.append(
            [f"{name} {server['version']}".strip(), f"{fps:.1f}", f"{p50:.0f}", f"{p99:.0f}"]
        )
    return table(["reads 1 MB/s", "pictures a second", "age p50, ms", "p99, ms"], rows)


if __name__ == "__main__":
    sys.exit(run.main(["--only", "slow", *sys.argv[1:]]))
