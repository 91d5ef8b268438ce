"""The results as pictures."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from benchmarks.measure import Ages, Load


def draw(loads: dict[str, dict[int, list[Load]]], slow: dict[str, Ages], folder: Path) -> None:
    """Write ``cpu.png``, ``age.png`` and ``slow.png``."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    def chart(name: str, title: str, across: str, up: str) -> None:
        axes.set_title(title)
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend()
        figure.savefig(folder / name, dpi=110, bbox_inches="tight")
        pyplot.close(figure)

    figure, axes = pyplot.subplots(figsize=(7, 4))
    for name, runs in loads.items():
        counts = sorted(runs)
        axes.plot(counts, [median(r.cpu for r in runs[n]) for n in counts], "o-", label=name)
    chart("cpu.png", "Processor time", "viewers, 1280x720 at 30 a second", "cores")

    figure, axes = pyplot.subplots(figsize=(7, 4))
    for name, runs in loads.items():
        counts = sorted(runs)
        axes.plot(counts, [median(r.age_p99 for r in runs[n]) for n in counts], "o-", label=name)
    chart("age.png", "Age of the picture, 99th percentile", "viewers", "milliseconds")

    figure, axes = pyplot.subplots(figsize=(7, 4))
    for name, ages in slow.items():
        axes.plot([at for at, _ in ages], [age for _, age in ages], label=name)
    chart("slow.png", "What a viewer sees who reads 1 MB/s", "seconds", "age, milliseconds")
