"""Metrics of the server for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, get_args

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from twistedcam.camera.state_machine import CameraState
from twistedcam.servers.http.api import metric_families as tables
from twistedcam.servers.http.api.metric_families import Row, counters, gauges, histogram
from twistedcam.servers.http.connection.reply import Reply
from twistedcam.servers.http.connection.request import HttpRequest
from twistedcam.version import __version__

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server

STATES = get_args(CameraState)


class Metrics:
    """Answers ``/metrics``.

    The resource of prometheus_client for Twisted collects in a thread of the pool. The values here
    belong to the reactor's thread, and collecting them takes a millisecond.
    """

    def __init__(self, server: Server) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(ServerCollector(server))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def get(self, request: HttpRequest) -> Reply:
        """Return all metrics in the requested format, by default as text."""
        try:
            encode, kind = choose_encoder(request.getHeader("Accept") or "")
        except (TypeError, ValueError):  # prometheus_client fails on a version that is no number
            encode, kind = choose_encoder("")
        return Reply(encode(self._registry), kind)


class ServerCollector(Collector):
    """Collects the metrics of a server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def describe(self) -> list[Metric]:
        """Return nothing: names and labels come with the collected metrics."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield all metric families."""
        yield InfoMetricFamily("twistedcam", "The program.", {"version": __version__})
        yield from self._cameras()
        yield from self._viewers()
        recorders = {(name,): each.recorder for name, each in self._server.channels.items()}
        yield from gauges(["camera"], tables.RECORDING, recorders)
        targets = {(it.camera, it.target.name): it for it in self._server.outputs}
        yield from gauges(["camera", "target"], tables.TARGET_NOW, targets)
        yield from counters(["camera", "target"], tables.TARGET, targets)
        if processors := {(name,): each for name, each in self._server.processors.items()}:
            yield from gauges(["camera"], tables.PROCESSING_NOW, processors)
            yield from counters(["camera"], tables.PROCESSING, processors)

    def _cameras(self) -> Iterator[Metric]:
        cameras = {(name,): each for name, each in self._server.cameras.items()}
        yield from counters(["camera"], tables.CAMERA, cameras)
        now = self._server.clock.seconds()
        fps: Row[Camera] = (
            "twistedcam_camera_fps",
            "Frames per second.",
            lambda it: it.rate.current(now),
        )
        yield from gauges(["camera"], [fps], cameras)
        states = {
            (*key, state): it.state == state for key, it in cameras.items() for state in STATES
        }
        state: Row[bool] = ("twistedcam_camera_state", "1 for the camera's state.", float)
        yield from gauges(["camera", "state"], [state], states)
        ages = {key: camera.ages for key, camera in cameras.items()}
        name = "twistedcam_capture_age_seconds"
        yield histogram(name, "Age of frames that were published at once.", ["camera"], ages)

    def _viewers(self) -> Iterator[Metric]:
        viewers, labels = self._server.viewers, ["camera", "kind"]
        totals = {}
        for (camera, kind), sums in viewers.sums().items():
            present = sum(each.kind == kind for each in viewers.of(camera))
            totals[camera, kind] = tables.ViewerTotals(present, *sums)
        yield from gauges(labels, tables.VIEWERS_NOW, totals)
        yield from counters(labels, tables.VIEWERS, totals)
        ages = {key: viewers.tallies[key].ages for key in totals}
        name = "twistedcam_delivery_age_seconds"
        yield histogram(name, "Age of frames when they were sent.", labels, ages)
