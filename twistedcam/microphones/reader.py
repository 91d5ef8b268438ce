"""Reads a microphone by FFmpeg, and brings its samples onto the host's clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from twistedcam.codecs.audio_resampler import RATE, AudioResampler
from twistedcam.microphones.alsa import device_of
from twistedcam.microphones.alsa_capture import AlsaCapture
from twistedcam.microphones.ffmpeg_capture import FFmpegCapture
from twistedcam.microphones.messages import Opened, Sound
from twistedcam.microphones.piece_length import SHORT, PieceLength
from twistedcam.microphones.sample_clock import SampleClock
from twistedcam.util.least_lag import LeastLag

#: Times that differ more from the host's, in seconds, are of another clock.
_OTHER_CLOCK = 60.0


class MicrophoneReader:
    """A microphone that is open. All methods block.

    Arguments:
        microphone: ``KIND:NAME`` (sources.sound_settings).
        length: of the pieces; by default all are short.

    Raises:
        OSError, av.error.FFmpegError: it cannot be opened; see ``alsa.reason_of``.
    """

    def __init__(self, microphone: str, length: PieceLength | None = None) -> None:
        self._device = _open(*device_of(microphone))
        rate = self._device.rate
        #: What is told of it.
        self.opened = Opened(rate, min(self._device.channels, 2))
        self._resampler = AudioResampler(self.opened.channels)
        self._clock = SampleClock(rate)
        self._length = PieceLength() if length is None else length
        self._other_clock = LeastLag()

    def __enter__(self) -> MicrophoneReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._device.close()

    def read(self) -> Iterator[list[Sound]]:
        """Yield sound as soon as its times can be used: as many messages as have come together.

        Raises:
            OSError, av.error.FFmpegError: the microphone gives no more.
        """
        for frame, stamp in self._device.read(self._length):
            yield [*self._process(frame, stamp, time.time())]
            # The clock learns the device's delay from many pieces.
            self._length.allow_long(self._clock.is_steady)

    def _process(self, frame: Any, stamp: float, now: float) -> Iterator[Sound]:
        count = frame.samples
        if abs(now - stamp) > _OTHER_CLOCK:
            end = stamp + count / self.opened.rate
            stamp += self._other_clock.note(now - end, time.monotonic())
        at = self._clock.time_of(stamp, count, now)
        if at is None:
            return
        frame.pts = round(at * 1e6)
        step = round(SHORT * RATE)
        frame_bytes = 2 * self.opened.channels
        for samples in self._resampler.resample(frame):
            # All messages are short: a listener that comes later can begin with any of them.
            data = samples.data
            for start in range(0, samples.frame.samples, step):
                part = data[start * frame_bytes : (start + step) * frame_bytes]
                yield Sound(samples.pts + start * 1_000_000 // RATE, part)


def _open(form: str, name: str) -> AlsaCapture | FFmpegCapture:
    return AlsaCapture(name) if form == "alsa" else FFmpegCapture(form, name)
