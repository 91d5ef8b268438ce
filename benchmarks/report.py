"""The results in words: medians of the repeats, ratios to a peer, and what is noise."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import Ages, Load, percentiles

#: Repeats that differ by more than this part of their median are called noise.
NOISE = 0.25


def machine() -> dict[str, Any]:
    """What the figures were made on."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "date": date.today().isoformat(),
    }


def noisy(values: Sequence[float]) -> bool:
    """Whether repeats differ too much to be believed."""
    middle = median(values)
    return len(values) > 1 and middle > 0 and (max(values) - min(values)) / middle > NOISE


def cell(runs: Sequence[Load], value: Callable[[Load], float], form: str) -> str:
    """A median, with ``~`` in front where it is noise."""
    values = [value(run) for run in runs]
    return ("~" if noisy(values) else "") + format(median(values), form)


def ratio(runs: Sequence[Load], peer: Sequence[Load] | None, value: Callable[[Load], float]) -> str:
    """The median as a part of the peer's."""
    if not peer:
        return "–"
    return f"{median(map(value, runs)) / median(map(value, peer)):.2f}"


def table(loads: dict[str, dict[int, list[Load]]], slow: dict[str, Ages], peer: str) -> str:
    """All results as a table in Markdown."""
    lines = [
        f"| server | viewers | fps each | least | cores | CPU per frame, µs | ÷ {peer} "
        f"| age p50, ms | p99, ms | p99 ÷ {peer} |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, by_count in loads.items():
        for count, runs in by_count.items():
            beside = loads.get(peer, {}).get(count) if name != peer else None
            cells = [
                name,
                str(count),
                cell(runs, lambda run: run.fps, ".1f"),
                cell(runs, lambda run: run.least_fps, ".1f"),
                cell(runs, lambda run: run.cpu, ".2f"),
                cell(runs, lambda run: run.cpu_per_frame, ".0f"),
                ratio(runs, beside, lambda run: run.cpu_per_frame),
                cell(runs, lambda run: run.age_p50, ".1f"),
                cell(runs, lambda run: run.age_p99, ".1f"),
                ratio(runs, beside, lambda run: run.age_p99),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    if slow:
        lines += ["", "| a viewer who reads 1 MB/s | pictures a second | age p50, ms | p99, ms |"]
        lines.append("|---|--:|--:|--:|")
        for name, ages in slow.items():
            p50, p99 = percentiles(ages)
            fps = len(ages) / ages[-1][0] if ages else 0.0
            lines.append(f"| {name} | {fps:.1f} | {p50:.0f} | {p99:.0f} |")
    if any(
        noisy([run.cpu_per_frame for run in runs]) or noisy([run.age_p99 for run in runs])
        for by_count in loads.values()
        for runs in by_count.values()
    ):
        lines += ["", f"`~`: the repeats differ by more than {NOISE:.0%}: noise, not a result."]
    return "\n".join(lines)
