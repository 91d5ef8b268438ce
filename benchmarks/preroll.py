"""Measures the memory of a pre-roll, compared with the bytes of its frames."""

from __future__ import annotations

import sys
import time

from benchmarks import run
from benchmarks.bench import Bench, Found
from benchmarks.own import serving
from benchmarks.tables import table

TITLE = "Pre-roll"


def measure(bench: Bench) -> Found:
    """Measure how the server's memory grows while the pre-roll fills."""
    seconds = max(2.0, 2 * bench.seconds)
    with serving("--record", f"preroll={seconds + 10:g}s") as (server, asked):
        time.sleep(1)
        held, memory = [], []
        for pause in (0.0, seconds):
            time.sleep(pause)
            held.append(int(asked.status()["preroll_bytes"]))
            memory.append(server.memory())
    bench.say(f"pre-roll: held {held}, memory {memory}")
    return {"seconds": seconds, "held": held, "memory": memory}


def tell(found: Found) -> list[str]:
    """A table."""
    held, memory = (found[key][1] - found[key][0] for key in ("held", "memory"))
    heads = ["pre-roll", "bytes of the frames, MB", "memory taken, MB", "ratio"]
    cells = [f"{held / 1e6:.1f}", f"{memory / 1e6:.1f}", f"{memory / held:.3f}" if held else "–"]
    return table(heads, [[f"{found['seconds']:g} s at 1280x720, 30/s", *cells]])


if __name__ == "__main__":
    sys.exit(run.main(["--only", "preroll", *sys.argv[1:]]))
