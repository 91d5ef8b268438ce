"""Figures for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from twistedcam.http.channel import HttpRequest
from twistedcam.http.processmetrics import process_metrics
from twistedcam.http.reply import Reply
from twistedcam.version import __version__

if TYPE_CHECKING:
    from twistedcam.server import Server

STATES = ("stopped", "starting", "live", "recovering", "idle")


class Metrics:
    """Answers ``/metrics``.

    prometheus_client has a resource for Twisted, but it collects on a thread of the pool; what is
    collected here belongs to the reactor's thread, and collecting it takes a millisecond.
    """

    def __init__(self, server: Server) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_ServerCollector(server))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def get(self, request: HttpRequest) -> Reply:
        """All figures, in the format that was asked for."""
        encode, kind = choose_encoder(request.getHeader("Accept") or "")
        return Reply(encode(self._registry), kind)


class _ServerCollector(Collector):
    def __init__(self, server: Server) -> None:
        self._server = server

    def describe(self) -> list[Metric]:
        """Nothing: names and labels come with what is collected."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("twistedcam", "The program.", {"version": __version__})
        yield from self._cameras()
        yield from self._viewers()
        yield from self._recordings()
        yield from self._publications()
        yield from process_metrics(self._server)

    def _cameras(self) -> Iterator[Metric]:
        server = self._server
        label = ["camera"]
        frames = CounterMetricFamily(
            "twistedcam_frames_captured", "Pictures that came from a camera.", labels=label
        )
        size = CounterMetricFamily(
            "twistedcam_captured_bytes", "Bytes of these pictures.", labels=label
        )
        encoded = CounterMetricFamily(
            "twistedcam_frames_encoded", "Pictures that were encoded here.", labels=label
        )
        corrupt = CounterMetricFamily(
            "twistedcam_frames_corrupt", "Pictures that were no good and left out.", labels=label
        )
        restarts = CounterMetricFamily(
            "twistedcam_camera_restarts", "Times that a source failed.", labels=label
        )
        fps = GaugeMetricFamily("twistedcam_camera_fps", "Pictures a second.", labels=label)
        state = GaugeMetricFamily(
            "twistedcam_camera_state", "1 for the state that it is in.", labels=["camera", "state"]
        )
        ages = HistogramMetricFamily(
            "twistedcam_capture_age_seconds",
            "Age of pictures when they came to be passed on.",
            labels=label,
        )
        now = server.clock.seconds()
        for name, camera in server.cameras.items():
            frames.add_metric([name], camera.counts.frames)
            size.add_metric([name], camera.counts.bytes)
            encoded.add_metric([name], camera.counts.encoded)
            corrupt.add_metric([name], camera.counts.corrupt)
            restarts.add_metric([name], camera.counts.restarts)
            fps.add_metric([name], camera.rate.current(now))
            for each in STATES:
                state.add_metric([name, each], float(camera.state == each))
            ages.add_metric([name], camera.ages.cumulative(), camera.ages.total)
        yield from (frames, size, encoded, corrupt, restarts, fps, state, ages)

    def _viewers(self) -> Iterator[Metric]:
        viewers = self._server.viewers
        labels = ["camera", "kind"]
        present = GaugeMetricFamily("twistedcam_viewers", "Who watches now.", labels=labels)
        sent = CounterMetricFamily(
            "twistedcam_frames_sent", "Pictures that went to viewers.", labels=labels
        )
        dropped = CounterMetricFamily(
            "twistedcam_frames_dropped",
            "Pictures that viewers were not ready for.",
            labels=labels,
        )
        size = CounterMetricFamily(
            "twistedcam_sent_bytes", "Bytes that went to viewers.", labels=labels
        )
        ages = HistogramMetricFamily(
            "twistedcam_delivery_age_seconds", "Age of pictures when they went out.", labels=labels
        )
        for key, (frames, count, drops) in viewers.sums().items():
            sent.add_metric(key, frames)
            size.add_metric(key, count)
            dropped.add_metric(key, drops)
            watching = sum(each.kind == key[1] for each in viewers.of(key[0]))
            present.add_metric(key, watching)
            tally = viewers.tallies[key]
            ages.add_metric(key, tally.ages.cumulative(), tally.ages.total)
        yield from (present, sent, dropped, size, ages)

    def _recordings(self) -> Iterator[Metric]:
        label = ["camera"]
        active = GaugeMetricFamily("twistedcam_recording", "1 while it records.", labels=label)
        size = GaugeMetricFamily(
            "twistedcam_recording_bytes", "Bytes of the recording under way.", labels=label
        )
        dropped = GaugeMetricFamily(
            "twistedcam_recording_dropped_frames",
            "Pictures that the recording under way had to leave out.",
            labels=label,
        )
        for name, recorder in self._server.recorders.items():
            recording = recorder.name is not None
            active.add_metric([name], float(recording))
            size.add_metric([name], recorder.result.bytes if recording else 0)
            dropped.add_metric([name], recorder.dropped if recording else 0)
        yield from (active, size, dropped)

    def _publications(self) -> Iterator[Metric]:
        labels = ["camera", "target"]
        up = GaugeMetricFamily("twistedcam_publish_up", "1 while it takes video.", labels=labels)
        bits = GaugeMetricFamily(
            "twistedcam_publish_bits_per_second", "Bit rate of late.", labels=labels
        )
        size = CounterMetricFamily(
            "twistedcam_published_bytes", "Bytes of H.264 that a target took.", labels=labels
        )
        frames = CounterMetricFamily(
            "twistedcam_frames_published", "Pictures that a target took.", labels=labels
        )
        dropped = CounterMetricFamily(
            "twistedcam_publish_dropped_frames", "Pictures that it was too slow for.", labels=labels
        )
        faults = CounterMetricFamily(
            "twistedcam_publish_faults", "Times that it failed.", labels=labels
        )
        for each in self._server.publications:
            key = [each.camera, each.target.name]
            up.add_metric(key, float(each.state == "live"))
            bits.add_metric(key, each.bitrate())
            size.add_metric(key, each.bytes)
            frames.add_metric(key, each.frames)
            dropped.add_metric(key, each.drops)
            faults.add_metric(key, each.faults)
        yield from (up, bits, size, frames, dropped, faults)
