"""Makes an unbroken run of samples at one rate of frames with times of capture."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from twistedcam.util.libraries import av

#: Samples a second of all that is made here.
RATE = 48_000
#: Gaps and overlaps of more seconds begin a new run; shorter ones are filled, or cut.
MAX_FILLED = 5.0
#: Seconds of a difference between times and samples that are left as they are, and from which
#: silence is added or samples are left out at once. What is between is corrected by resampling, by
#: at most so many samples a second: a clock that is 2 % off can be followed.
_IGNORED, _AT_ONCE, _MOST_SAMPLES = 0.002, 0.03, 1000
#: Microseconds of sound that the filter keeps at most before it is asked for more.
_KEPT_US = 5_000
_MICROSECOND = Fraction(1, 1_000_000)


class Samples(NamedTuple):
    """Samples of a run, which follow those before without a gap.

    Arguments:
        frame: av.AudioFrame of 16 bits, interleaved, at RATE.
        start: the first sample's number in the run.
        begin_us: microseconds on the stream's timeline at which the run begins.
    """

    frame: Any
    start: int
    begin_us: int

    @property
    def pts(self) -> int:
        """The time of the first sample in microseconds on the stream's timeline."""
        return self.begin_us + self.start * 1_000_000 // RATE

    @property
    def data(self) -> bytes:
        """The bytes of the samples (``pcm_s16le``)."""
        size = self.frame.samples * self.frame.layout.nb_channels * 2
        return bytes(self.frame.planes[0])[:size]


class AudioResampler:
    """Brings samples to RATE and a number of channels, by their times.

    The number of samples of a second is that of the stream's timeline and not of the device's
    clock: where the two drift apart, samples are stretched. A gap becomes silence. All methods
    block.

    Arguments:
        channels: 1 or 2.
    """

    def __init__(self, channels: int) -> None:
        self._layout = "mono" if channels == 1 else "stereo"
        self._graph: Any = None
        self._source: Any = None
        self._sink: Any = None
        self._format: tuple[int, str, str] | None = None
        #: The timeline's microsecond at which the run began, and the one after its last frame.
        self._begin_us = 0
        self._end_us = 0

    def resample(self, frame: Any) -> list[Samples]:
        """Take a frame (AudioDecoder.decode); return the samples that are ready."""
        form = (frame.sample_rate, frame.format.name, frame.layout.name)
        distance = frame.pts - self._end_us
        if form != self._format or abs(distance) > MAX_FILLED * 1e6:
            self._begin(form, frame.pts)
        self._end_us = frame.pts + round(frame.samples * 1e6 / frame.sample_rate)
        frame.pts -= self._begin_us
        frame.time_base = _MICROSECOND
        self._source.push(frame)
        return self._ready()

    def _begin(self, form: tuple[int, str, str], pts: int) -> None:
        self._graph = None
        rate, name, layout = form
        graph = av.filter.Graph()
        source = graph.add(
            "abuffer",
            f"time_base=1/1000000:sample_rate={rate}:sample_fmt={name}:channel_layout={layout}",
        )
        # The resampler works from the first sample on: to begin it later would lose some samples.
        resample = graph.add(
            "aresample",
            f"{RATE}:flags=res:async={_MOST_SAMPLES}:min_comp={_IGNORED}:min_hard_comp={_AT_ONCE}"
            f":out_sample_fmt=s16:out_chlayout={self._layout}:rematrix_maxval=1.0",
        )
        sink = graph.add("abuffersink")
        source.link_to(resample)
        resample.link_to(sink)
        graph.configure()
        self._graph, self._source, self._sink = graph, source, sink
        self._format, self._begin_us = form, pts

    def _ready(self) -> list[Samples]:
        ready: list[Samples] = []
        end = self._end_us - self._begin_us - _KEPT_US
        while True:
            try:
                frame = self._sink.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return ready
            ready.append(Samples(frame, frame.pts, self._begin_us))
            # An attempt that gives nothing costs as much as one that gives samples.
            if (frame.pts + frame.samples) * 1_000_000 // RATE >= end:
                return ready
