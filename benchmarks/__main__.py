"""``python -m benchmarks``: this server beside the peers that the machine has."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks import measure, plots, report
from benchmarks.servers import CONTESTANTS, running
from tests.fakecam import FakeCam, Format, Unavailable

SLOW_LIMIT = 1_000_000
PEER = "µStreamer"


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--viewers", default="50,200,500", help="how many, with commas (%(default)s)")
    add("--seconds", type=float, default=5, help="of each measurement (%(default)s)")
    add("--slow-seconds", type=float, default=20, help="of the slow viewer; 0: none (%(default)s)")
    add("--repeats", type=int, default=3, help="(%(default)s)")
    add("--only", default="", help="servers whose name contains this")
    add("--output", type=Path, default=Path("benchmarks/results"), help="folder (%(default)s)")
    options = parser.parse_args()
    counts = [int(word) for word in options.viewers.split(",")]
    chosen = [each for each in CONTESTANTS if each.there and options.only in each.name]
    for each in CONTESTANTS:
        if not each.there:
            print(f"left out: {each.name} ({each.program} is not on the PATH)", file=sys.stderr)
    client = measure.build_client()
    loads: dict[str, dict[int, list[measure.Load]]] = {
        each.name: {count: [] for count in counts} for each in chosen
    }
    slow: dict[str, measure.Ages] = {}
    formats = [Format("MJPG", 1280, 720, (30,))]
    # Repeats go round all servers, so that what the machine does besides hits them alike.
    for repeat in range(options.repeats):
        for each in chosen:
            for count in counts:
                with FakeCam(formats, stamp=True) as camera, running(each, camera.env) as server:
                    result = measure.load(client, server, count, options.seconds)
                loads[each.name][count].append(result)
                print(f"{repeat + 1}: {each.name}: {result}", file=sys.stderr, flush=True)
            if options.slow_seconds and repeat == 0:
                with FakeCam(formats, stamp=True) as camera, running(each, camera.env) as server:
                    slow[each.name] = measure.slow_viewer(server, options.slow_seconds, SLOW_LIMIT)
    text = report.table(loads, slow, PEER)
    machine = report.machine()
    print(text)
    print("\nMade on: " + ", ".join(f"{key} {value}" for key, value in machine.items()))
    options.output.mkdir(parents=True, exist_ok=True)
    found = {
        "machine": machine,
        "options": {"seconds": options.seconds, "repeats": options.repeats},
        "loads": {
            name: {str(count): [asdict(run) for run in runs] for count, runs in by_count.items()}
            for name, by_count in loads.items()
        },
        "slow": slow,
    }
    (options.output / "results.json").write_text(json.dumps(found, indent=1) + "\n")
    (options.output / "table.md").write_text(text + "\n")
    try:
        plots.draw(loads, slow, options.output)
    except ImportError:
        print("no plots: pip install 'twistedcam[bench]'", file=sys.stderr)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Unavailable as reason:
        sys.exit(f"no fake webcam on this machine: {reason}")
