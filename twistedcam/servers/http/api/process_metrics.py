"""Figures of user code on the pictures, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import Metric

from twistedcam.processing import Processor
from twistedcam.servers.http.api.metric_families import Row, counters, gauges

if TYPE_CHECKING:
    from twistedcam.core.server import Server

NOW: tuple[Row[Processor], ...] = (
    ("twistedcam_process_seconds", "What a picture takes, of late.", lambda code: code.seconds),
    ("twistedcam_process_longest_seconds", "The most that one took.", lambda code: code.longest),
)
SO_FAR: tuple[Row[Processor], ...] = (
    ("twistedcam_process_frames", "Pictures that the code is done with.", lambda code: code.frames),
    ("twistedcam_process_skipped", "Pictures that it had no time for.", lambda code: code.skipped),
    ("twistedcam_process_results", "What it gave.", lambda code: code.results),
    ("twistedcam_process_failures", "Times that it failed.", lambda code: code.failures),
)


def process_metrics(server: Server) -> Iterator[Metric]:
    """One of each for every camera that code makes, by its name."""
    made = {(name,): each for name, each in server.processors.items()}
    if made:
        yield from gauges(["camera"], NOW, made)
        yield from counters(["camera"], SO_FAR, made)
