"""Reads a microphone by FFmpeg, and brings its samples onto the host's clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Any

from twistedcam.codecs.audio_decoder import AudioDecoder
from twistedcam.codecs.audio_level import measure_level
from twistedcam.codecs.audio_resampler import AudioResampler
from twistedcam.media.packet import Packet
from twistedcam.media.track import AUDIO, Track
from twistedcam.microphones.alsa import device_of
from twistedcam.microphones.messages import Opened, Sound
from twistedcam.microphones.sample_clock import SampleClock
from twistedcam.util.least_lag import LeastLag
from twistedcam.util.libraries import av

#: Seconds of sound that are processed at once: drivers deliver some milliseconds each time.
_PIECE = 0.04
#: Formats of samples that are tried, best first: not every sound card has every one.
_FORMATS = tuple(
    (rate, channels) for rate in (48_000, 44_100, 32_000, 16_000, 8_000) for channels in (2, 1)
)
#: Times that differ more from the host's, in seconds, are of another clock.
_OTHER_CLOCK = 60.0


class MicrophoneReader:
    """A microphone that is open. All methods block.

    Arguments:
        microphone: ``KIND:NAME`` (sources.sound_settings).

    Raises:
        OSError, av.error.FFmpegError: it cannot be opened; see ``alsa.reason_of``.
    """

    def __init__(self, microphone: str) -> None:
        self._container = _open(*device_of(microphone))
        stream = self._container.streams.audio[0]
        codec = stream.codec_context
        self._base = float(stream.time_base)
        rate, channels = codec.sample_rate, codec.channels
        self._track = Track(AUDIO, "audio", codec.name, rate=Fraction(rate), channels=channels)
        self._frame_bytes = max(1, codec.format.bytes * channels)
        #: What is told of it.
        self.opened = Opened(rate, min(channels, 2))
        self._decoder = AudioDecoder(self._track)
        self._resampler = AudioResampler(self.opened.channels)
        self._clock = SampleClock(rate)
        self._other_clock = LeastLag()

    def __enter__(self) -> MicrophoneReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def read(self) -> Iterator[Sound]:
        """Yield pieces of sound, as soon as their times can be used.

        Raises:
            OSError, av.error.FFmpegError: the microphone gives no more.
        """
        bytes_a_second = self.opened.rate * self._frame_bytes
        enough = _PIECE * bytes_a_second
        waiting: list[bytes] = []
        size, first = 0, None
        # Drivers give hundreds of packets a second: little is done for each of them.
        for packet in self._container.demux(audio=0):
            if not waiting:
                first = packet.pts
            data = bytes(packet)
            waiting.append(data)
            size += len(data)
            if size < enough:
                continue
            now = time.time()
            length = size / bytes_a_second
            stamp = now - length if first is None else first * self._base
            yield from self._process(b"".join(waiting), stamp, now)
            waiting, size = [], 0
            # More packets at once, and fewer times awake: they wait in the driver's buffer.
            if now - stamp - length < _PIECE / 2:
                time.sleep(_PIECE)

    def _process(self, data: bytes, stamp: float, now: float) -> Iterator[Sound]:
        count = len(data) // self._frame_bytes
        if abs(now - stamp) > _OTHER_CLOCK:
            end = stamp + count / self.opened.rate
            stamp += self._other_clock.note(now - end, time.monotonic())
        at = self._clock.time_of(stamp, count, now)
        if at is None:
            return
        packet = Packet(self._track, 0, 0, round(at * 1e6), data)
        for frame in self._decoder.decode(packet):
            for samples in self._resampler.resample(frame):
                length = samples.frame.samples * 2 * self.opened.channels
                made = bytes(samples.frame.planes[0])[:length]
                yield Sound(samples.pts, measure_level(made), made)


def _open(form: str, name: str) -> Any:
    if form != "alsa":
        return av.open(name, format=form)
    error: Exception | None = None
    # A card's own format is better than what ALSA converts to another one.
    names = [name.replace("plughw:", "hw:", 1), name] if name.startswith("plughw:") else [name]
    for name, (rate, channels) in product(names, _FORMATS):
        options = {"sample_rate": str(rate), "channels": str(channels)}
        try:
            return av.open(name, format=form, options=options)
        except av.error.FFmpegError as why:
            log = getattr(why, "log", None)
            if not log or "cannot set" not in str(log[2]):
                raise
            error = error or why
    assert error is not None
    raise error
