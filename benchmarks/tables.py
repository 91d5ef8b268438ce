"""Formats results: medians of the repeats, ratios, and marks for noise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isnan
from statistics import median

#: Repeats that differ by more than this part of their median are called noise.
NOISE = 0.25
NOISE_NOTE = f"`~`: the repeats differ by more than {NOISE:.0%}: noise, not a result."


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table in Markdown, figures to the right."""
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)], *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def noisy(values: Sequence[float]) -> bool:
    """True if repeats differ too much for a result."""
    middle = median(values)
    return len(values) > 1 and middle > 0 and (max(values) - min(values)) / middle > NOISE


def cell(values: Sequence[float], form: str) -> str:
    """The median, with ``~`` in front where it is noise."""
    if not values or any(map(isnan, values)):
        return "–"
    return ("~" if noisy(values) else "") + format(median(values), form)


def ratio(values: Sequence[float], to: Sequence[float] | None) -> str:
    """The median as a part of another's; ``~`` where one of the two is noise."""
    if not to or not values or not median(to):
        return "–"
    mark = "~" if noisy(values) or noisy(to) else ""
    return f"{mark}{median(values) / median(to):.2f}"
