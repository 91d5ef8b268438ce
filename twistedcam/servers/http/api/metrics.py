"""Figures for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, get_args

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from twistedcam.camera.state_machine import CameraState
from twistedcam.servers.http.api.metric_families import Row, counters, gauges, histogram
from twistedcam.servers.http.api.process_metrics import process_metrics
from twistedcam.servers.http.connection.reply import Reply
from twistedcam.servers.http.connection.request import HttpRequest
from twistedcam.version import __version__

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server
    from twistedcam.publishing.output import Output
    from twistedcam.recording import Recorder

STATES = get_args(CameraState)


class Watched(NamedTuple):
    """Those who watch one camera in one way, and what went to them."""

    present: int
    frames: int
    bytes: int
    drops: int


CAMERA: tuple[Row[Camera], ...] = (
    (
        "twistedcam_frames_captured",
        "Pictures that came from a camera.",
        lambda it: it.counts.frames,
    ),
    ("twistedcam_captured_bytes", "Bytes of these pictures.", lambda it: it.counts.bytes),
    ("twistedcam_frames_encoded", "Pictures that were encoded here.", lambda it: it.counts.encoded),
    (
        "twistedcam_frames_corrupt",
        "Pictures that were no good and left out.",
        lambda it: it.counts.corrupt,
    ),
    ("twistedcam_camera_restarts", "Times that a source failed.", lambda it: it.counts.restarts),
)
VIEWERS_NOW: tuple[Row[Watched], ...] = (
    ("twistedcam_viewers", "Who watches now.", lambda it: it.present),
)
VIEWERS: tuple[Row[Watched], ...] = (
    ("twistedcam_frames_sent", "Pictures that went to viewers.", lambda it: it.frames),
    ("twistedcam_frames_dropped", "Pictures that viewers were not ready for.", lambda it: it.drops),
    ("twistedcam_sent_bytes", "Bytes that went to viewers.", lambda it: it.bytes),
)
RECORDING: tuple[Row[Recorder], ...] = (
    ("twistedcam_recording", "1 while it records.", lambda it: it.name is not None),
    ("twistedcam_recording_bytes", "Bytes of the recording under way.", lambda it: it.result.bytes),
    (
        "twistedcam_recording_dropped_frames",
        "Pictures that the recording under way had to leave out.",
        lambda it: it.dropped,
    ),
)
TARGET_NOW: tuple[Row[Output], ...] = (
    ("twistedcam_publish_up", "1 while it takes video.", lambda it: it.state == "live"),
    ("twistedcam_publish_bits_per_second", "Bit rate of late.", lambda it: it.bitrate()),
)
TARGET: tuple[Row[Output], ...] = (
    ("twistedcam_published_bytes", "Bytes of H.264 that a target took.", lambda it: it.bytes),
    ("twistedcam_frames_published", "Pictures that a target took.", lambda it: it.frames),
    (
        "twistedcam_publish_dropped_frames",
        "Pictures that it was too slow for.",
        lambda it: it.drops,
    ),
    ("twistedcam_publish_faults", "Times that it failed.", lambda it: it.faults),
)


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
        """All figures, in the format that was asked for; else as text."""
        try:
            encode, kind = choose_encoder(request.getHeader("Accept") or "")
        except (TypeError, ValueError):  # it compares numbers with a version that is none
            encode, kind = choose_encoder("")
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
        recorders = {(name,): each for name, each in self._server.recorders.items()}
        yield from gauges(["camera"], RECORDING, recorders)
        targets = {(it.camera, it.target.name): it for it in self._server.outputs}
        yield from gauges(["camera", "target"], TARGET_NOW, targets)
        yield from counters(["camera", "target"], TARGET, targets)
        yield from process_metrics(self._server)

    def _cameras(self) -> Iterator[Metric]:
        cameras = {(name,): each for name, each in self._server.cameras.items()}
        yield from counters(["camera"], CAMERA, cameras)
        now = self._server.clock.seconds()
        fps: Row[Camera] = (
            "twistedcam_camera_fps",
            "Pictures a second.",
            lambda it: it.rate.current(now),
        )
        yield from gauges(["camera"], [fps], cameras)
        states = {
            (*key, state): it.state == state for key, it in cameras.items() for state in STATES
        }
        state: Row[bool] = ("twistedcam_camera_state", "1 for the state that it is in.", float)
        yield from gauges(["camera", "state"], [state], states)
        yield histogram(
            "twistedcam_capture_age_seconds",
            "Age of pictures when they came to be passed on.",
            ["camera"],
            {key: camera.ages for key, camera in cameras.items()},
        )

    def _viewers(self) -> Iterator[Metric]:
        viewers, labels = self._server.viewers, ["camera", "kind"]
        watched = {}
        for (camera, kind), sums in viewers.sums().items():
            present = sum(each.kind == kind for each in viewers.of(camera))
            watched[camera, kind] = Watched(present, *sums)
        yield from gauges(labels, VIEWERS_NOW, watched)
        yield from counters(labels, VIEWERS, watched)
        yield histogram(
            "twistedcam_delivery_age_seconds",
            "Age of pictures when they went out.",
            labels,
            {key: viewers.tallies[key].ages for key in watched},
        )
