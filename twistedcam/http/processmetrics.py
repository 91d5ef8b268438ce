"""Figures of user code on the pictures, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

if TYPE_CHECKING:
    from twistedcam.server import Server


def process_metrics(server: Server) -> Iterator[Metric]:
    """One of each for every camera that code makes, by its name."""
    label = ["camera"]
    seconds = GaugeMetricFamily(
        "twistedcam_process_seconds", "What a picture takes, of late.", labels=label
    )
    longest = GaugeMetricFamily(
        "twistedcam_process_longest_seconds", "The most that one took.", labels=label
    )
    frames = CounterMetricFamily(
        "twistedcam_process_frames", "Pictures that the code is done with.", labels=label
    )
    skipped = CounterMetricFamily(
        "twistedcam_process_skipped", "Pictures that it had no time for.", labels=label
    )
    results = CounterMetricFamily("twistedcam_process_results", "What it gave.", labels=label)
    failures = CounterMetricFamily(
        "twistedcam_process_failures", "Times that it failed.", labels=label
    )
    for name, each in server.processors.items():
        seconds.add_metric([name], each.seconds)
        longest.add_metric([name], each.longest)
        frames.add_metric([name], each.frames)
        skipped.add_metric([name], each.skipped)
        results.add_metric([name], each.results)
        failures.add_metric([name], each.failures)
    if server.processors:
        yield from (seconds, longest, frames, skipped, results, failures)
