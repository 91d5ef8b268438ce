"""Figures for Prometheus, from tables: each row is a name, what it says, and where its value is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from twistedcam.util.histogram import Histogram

T = TypeVar("T")
#: The values of a thing's labels.
Labels = TypeVar("Labels", bound=tuple[str, ...])
#: Name, what it says, and its value of one of the things that are told of.
Row: TypeAlias = tuple[str, str, Callable[[T], float]]


def counters(
    labels: Sequence[str], rows: Iterable[Row[T]], things: Mapping[Labels, T]
) -> Iterator[Metric]:
    """What only grows."""
    return _filled(CounterMetricFamily, labels, rows, things)


def gauges(
    labels: Sequence[str], rows: Iterable[Row[T]], things: Mapping[Labels, T]
) -> Iterator[Metric]:
    """What goes up and down."""
    return _filled(GaugeMetricFamily, labels, rows, things)


def histogram(
    name: str, says: str, labels: Sequence[str], things: Mapping[Labels, Histogram]
) -> Metric:
    """How often a value lay where."""
    family = HistogramMetricFamily(name, says, labels=labels)
    for key, each in things.items():
        family.add_metric(key, each.cumulative(), each.total)
    return family


def _filled(
    make: type[CounterMetricFamily] | type[GaugeMetricFamily],
    labels: Sequence[str],
    rows: Iterable[Row[T]],
    things: Mapping[Labels, T],
) -> Iterator[Metric]:
    for name, says, value in rows:
        family = make(name, says, labels=labels)
        for key, thing in things.items():
            family.add_metric(key, value(thing))
        yield family
