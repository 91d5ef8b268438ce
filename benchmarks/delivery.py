"""Measures processor time and age of the picture, by the number of viewers, for all servers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from benchmarks import crowd, run
from benchmarks.bench import Bench, Found
from benchmarks.servers import FLOOR, HTTP, HTTPS, PEER, Contestant
from benchmarks.tables import cell, ratio, table

TITLE = "Delivery"


def measure(bench: Bench) -> Found:
    """Measure each server with each number of viewers; each repeat runs all servers in turn."""
    chosen = bench.contestants()
    found: Found = {
        each.name: {
            "version": each.says_version() if each.is_peer else "",
            "loads": {str(count): [] for count in bench.viewers if count <= each.most},
        }
        for each in chosen
    }
    for repeat in range(bench.repeats):
        for each in chosen:
            try:
                _one(bench, each, repeat, found[each.name]["loads"])
            except SystemExit as reason:  # one that does not start is missing in the table
                bench.say(str(reason))
    return found


def _one(bench: Bench, each: Contestant, repeat: int, loads: dict[str, list[Any]]) -> None:
    with bench.running(each) as server:
        for count, runs in loads.items():
            load = crowd.watch(server, int(count), bench.seconds)
            runs.append(asdict(load))
            bench.say(
                f"{repeat + 1}: {each.name}, {count}: {load.fps:.1f} fps, {load.cpu:.2f} core, "
                f"{load.cpu_per_frame:.0f} µs a frame, p99 {load.age_p99:.1f} ms"
            )


def tell(found: Found) -> list[str]:
    """Tables."""
    heads = ["server", "viewers", "fps each", "least", "cores", "CPU per frame, µs"]
    heads += [f"÷ {PEER}", "÷ floor", "age p50, ms", "p99, ms", f"p99 ÷ {PEER}"]
    rows = []
    for name, server in found.items():
        for count, runs in server["loads"].items():
            peer = _values(found, PEER, count, "cpu_per_frame") if name != PEER else []
            floor = _values(found, FLOOR, count, "cpu_per_frame") if name != FLOOR else []
            old = _values(found, PEER, count, "age_p99") if name != PEER else []
            cost, age = _of(runs, "cpu_per_frame"), _of(runs, "age_p99")
            rows.append(
                [
                    f"{name} {server['version']}".strip(),
                    count,
                    cell(_of(runs, "fps"), ".1f"),
                    cell(_of(runs, "least_fps"), ".1f"),
                    cell(_of(runs, "cpu"), ".2f"),
                    cell(cost, ".0f"),
                    ratio(cost, peer),
                    ratio(cost, floor),
                    cell(_of(runs, "age_p50"), ".1f"),
                    cell(age, ".1f"),
                    ratio(age, old),
                ]
            )
    return [*table(heads, rows), "", *_sealed(found), *_memory(found)]


def _sealed(found: Found) -> list[str]:
    """The processor time of TLS, compared with plain HTTP."""
    parts = []
    for count in found.get(HTTPS, {"loads": {}})["loads"]:
        plain = _values(found, HTTP, count, "cpu_per_frame")
        if plain:
            sealed = _values(found, HTTPS, count, "cpu_per_frame")
            parts.append(f"{ratio(sealed, plain)} at {count} viewers")
    return [f"TLS costs so many times plain HTTP's processor time: {', '.join(parts)}.", ""] * bool(
        parts
    )


def _memory(found: Found) -> list[str]:
    """The memory of each further viewer, from the smallest and the largest number of viewers."""
    rows = []
    for name, server in found.items():
        counts = list(server["loads"])
        if len(counts) < 2 or not server["loads"][counts[-1]]:
            continue
        few, many = counts[0], counts[-1]
        pairs = zip(server["loads"][few], server["loads"][many], strict=False)
        each = [(b["memory"] - a["memory"]) / (int(many) - int(few)) / 1000 for a, b in pairs]
        at = median(run["memory"] for run in server["loads"][many]) / 1e6
        label = f"{name} {server['version']}".strip()
        rows.append([label, many, f"{at:.0f}", f"{median(each):.1f}"])
    heads = ["server", "viewers", "memory of its own, MB", "each further viewer, kB"]
    return table(heads, rows) if rows else []


def _values(found: Found, name: str, count: str, value: str) -> list[float]:
    return _of(found.get(name, {}).get("loads", {}).get(count, []), value)


def _of(runs: Sequence[dict[str, Any]], value: str) -> list[float]:
    return [run[value] for run in runs]


if __name__ == "__main__":
    sys.exit(run.main(["--only", "delivery", *sys.argv[1:]]))
