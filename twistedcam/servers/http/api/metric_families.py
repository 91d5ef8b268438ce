"""Tables of the Prometheus metrics, and functions that build metric families from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from twistedcam.util.histogram import Histogram

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.processing import Processor
    from twistedcam.publishing.output import Output
    from twistedcam.recording import Recorder

T = TypeVar("T")
#: The values of the labels.
Labels = TypeVar("Labels", bound=tuple[str, ...])
#: The name of a metric, its help text, and a function that gives its value for an object.
Row: TypeAlias = tuple[str, str, Callable[[T], float]]


class ViewerTotals(NamedTuple):
    """The viewers of one camera and kind: how many there are now, and what was sent so far."""

    present: int
    frames: int
    bytes: int
    drops: int


CAMERA: tuple[Row[Camera], ...] = (
    ("twistedcam_frames_captured", "Frames captured from the camera.", lambda it: it.counts.frames),
    ("twistedcam_captured_bytes", "Bytes of captured frames.", lambda it: it.counts.bytes),
    ("twistedcam_frames_encoded", "Frames encoded here.", lambda it: it.counts.encoded),
    ("twistedcam_frames_corrupt", "Corrupt frames left out.", lambda it: it.counts.corrupt),
    ("twistedcam_frames_lost", "Frames that the device lost.", lambda it: it.lost),
    ("twistedcam_camera_restarts", "Failures of the source.", lambda it: it.counts.restarts),
)
VIEWERS_NOW: tuple[Row[ViewerTotals], ...] = (
    ("twistedcam_viewers", "Viewers connected now.", lambda it: it.present),
)
VIEWERS: tuple[Row[ViewerTotals], ...] = (
    ("twistedcam_frames_sent", "Frames sent to viewers.", lambda it: it.frames),
    ("twistedcam_frames_dropped", "Frames that viewers were not ready for.", lambda it: it.drops),
    ("twistedcam_sent_bytes", "Bytes sent to viewers.", lambda it: it.bytes),
)
RECORDING: tuple[Row[Recorder], ...] = (
    ("twistedcam_recording", "1 while recording.", lambda it: it.name is not None),
    ("twistedcam_recording_bytes", "Bytes of the current recording.", lambda it: it.result.bytes),
    (
        "twistedcam_recording_dropped_frames",
        "Frames dropped from the current recording.",
        lambda it: it.dropped,
    ),
)
TARGET_NOW: tuple[Row[Output], ...] = (
    ("twistedcam_publish_up", "1 while the target takes video.", lambda it: it.state == "live"),
    ("twistedcam_publish_bits_per_second", "Recent bit rate.", lambda it: it.bitrate()),
)
TARGET: tuple[Row[Output], ...] = (
    ("twistedcam_published_bytes", "Bytes of H.264 sent to the target.", lambda it: it.bytes),
    ("twistedcam_frames_published", "Frames sent to the target.", lambda it: it.frames),
    (
        "twistedcam_publish_dropped_frames",
        "Frames the target was too slow for.",
        lambda it: it.drops,
    ),
    ("twistedcam_publish_faults", "Failures of the target.", lambda it: it.faults),
)
PROCESSING_NOW: tuple[Row[Processor], ...] = (
    ("twistedcam_process_seconds", "Recent seconds of user code per frame.", lambda it: it.seconds),
    ("twistedcam_process_longest_seconds", "Most seconds for one frame.", lambda it: it.longest),
)
PROCESSING: tuple[Row[Processor], ...] = (
    ("twistedcam_process_frames", "Frames processed by user code.", lambda it: it.frames),
    (
        "twistedcam_process_skipped",
        "Frames skipped because user code was busy.",
        lambda it: it.skipped,
    ),
    ("twistedcam_process_results", "Results of user code.", lambda it: it.results),
    ("twistedcam_process_failures", "Failures of user code.", lambda it: it.failures),
)


def counters(
    labels: Sequence[str], rows: Iterable[Row[T]], objects: Mapping[Labels, T]
) -> Iterator[Metric]:
    """Yield one counter family for each row."""
    return _families(CounterMetricFamily, labels, rows, objects)


def gauges(
    labels: Sequence[str], rows: Iterable[Row[T]], objects: Mapping[Labels, T]
) -> Iterator[Metric]:
    """Yield one gauge family for each row."""
    return _families(GaugeMetricFamily, labels, rows, objects)


def histogram(
    name: str, help: str, labels: Sequence[str], objects: Mapping[Labels, Histogram]
) -> Metric:
    """Return a histogram family."""
    family = HistogramMetricFamily(name, help, labels=labels)
    for key, each in objects.items():
        family.add_metric(key, each.cumulative(), each.total)
    return family


def _families(
    make: type[CounterMetricFamily] | type[GaugeMetricFamily],
    labels: Sequence[str],
    rows: Iterable[Row[T]],
    objects: Mapping[Labels, T],
) -> Iterator[Metric]:
    for name, help, value in rows:
        family = make(name, help, labels=labels)
        for key, each in objects.items():
            family.add_metric(key, value(each))
        yield family
