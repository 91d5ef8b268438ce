"""Draws the results: small enough for a page, readable without colour as well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib
from matplotlib import pyplot
from matplotlib.ticker import ScalarFormatter

from benchmarks.bench import Found
from benchmarks.servers import FLOOR, FRAMES, HTTP, HTTPS, PEER, WORKERS

matplotlib.use("Agg")

#: Colour (of Okabe and Ito, told apart by all eyes), marker, line. What is ours is drawn through.
_LOOKS = {
    FRAMES: ("#0072B2", "o", "-"),
    HTTP: ("#009E73", "s", "-"),
    WORKERS: ("#56B4E9", "^", "-"),
    HTTPS: ("#CC79A7", "D", "-"),
    PEER: ("#D55E00", "v", "--"),
    "mjpg-streamer": ("#E69F00", "P", "--"),
    FLOOR: ("#000000", "x", ":"),
}
_STYLE = {"font.size": 11, "axes.spines.top": False, "axes.spines.right": False}


def draw(results: dict[str, Found], folder: Path) -> None:
    """Write ``cpu.png``, ``age.png`` and ``slow.png``, as far as there is something to draw."""
    if delivery := results.get("delivery"):
        with _chart(folder / "cpu.png", "Processor time of the server") as axes:
            _lines(axes, delivery, "cpu")
            axes.set(ylabel="cores", ylim=(0, None))
        with _chart(folder / "age.png", "Age of the picture, 99th percentile") as axes:
            _lines(axes, delivery, "age_p99")
            _log(axes)
    if slow := results.get("slow"):
        with _chart(folder / "slow.png", "A viewer who reads 1 MB/s of 3 MB/s") as axes:
            for name, server in slow.items():
                if ages := server["ages"]:
                    colour, _, line = _look(name)
                    axes.plot(
                        *zip(*ages, strict=True), line, color=colour, label=_label(name, server)
                    )
            axes.set(xlabel="seconds since it began to watch", xlim=(0, None))
            _log(axes)


def _lines(axes: Any, delivery: Found, value: str) -> None:
    """The medians of all servers against the number of viewers."""
    counts: set[int] = set()
    # A band goes from the least repeat to the largest: a wide one is noise.
    for name, server in delivery.items():
        points = {int(n): [r[value] for r in runs] for n, runs in server["loads"].items() if runs}
        if not points:
            continue
        across, runs = list(points), list(points.values())
        colour, marker, line = _look(name)
        look = {"color": colour, "label": _label(name, server)}
        axes.plot(across, list(map(median, runs)), marker + line, **look)
        band = list(map(min, runs)), list(map(max, runs))
        axes.fill_between(across, *band, color=colour, alpha=0.12, linewidth=0)
        counts |= points.keys()
    axes.set(xlabel="viewers of 1280×720 at 30 pictures a second", xticks=sorted(counts))
    axes.set_xlim(0, None)


def _log(axes: Any) -> None:
    """Use a logarithmic scale: ages go from one millisecond to seconds."""
    axes.set_ylabel("age, milliseconds (log)")
    if not axes.lines:
        return
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(ScalarFormatter())


def _look(name: str) -> tuple[str, str, str]:
    return _LOOKS.get(name, ("#999999", ".", "--"))


def _label(name: str, server: dict[str, Any]) -> str:
    return f"{name} {server['version']}".strip()


@contextmanager
def _chart(path: Path, title: str) -> Iterator[Any]:
    with pyplot.rc_context(_STYLE):
        figure, axes = pyplot.subplots(figsize=(8, 3.8))
        yield axes
        axes.set_title(title, loc="left", weight="bold")
        axes.grid(axis="y", alpha=0.3)
        if axes.lines:
            axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
        figure.savefig(path, dpi=120, bbox_inches="tight")
        pyplot.close(figure)
