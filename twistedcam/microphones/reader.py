"""Reads a microphone by FFmpeg, and brings its samples onto the host's clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction

from twistedcam.codecs.audio_decoder import AudioDecoder
from twistedcam.codecs.audio_level import measure_level
from twistedcam.codecs.audio_resampler import AudioResampler
from twistedcam.media.packet import Packet
from twistedcam.media.track import AUDIO, Track
from twistedcam.microphones.alsa import device_of
from twistedcam.microphones.alsa_capture import AlsaCapture
from twistedcam.microphones.messages import Opened, Sound
from twistedcam.microphones.sample_clock import SampleClock
from twistedcam.util.least_lag import LeastLag
from twistedcam.util.libraries import av

#: Seconds of sound that are processed at once.
_PIECE = 0.04
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
        self._device = _open(*device_of(microphone))
        rate, channels = self._device.rate, self._device.channels
        codec = self._device.codec
        self._track = Track(AUDIO, "audio", codec, rate=Fraction(rate), channels=channels)
        self._frame_bytes = self._device.sample_bytes * channels
        #: What is told of it.
        self.opened = Opened(rate, min(channels, 2))
        self._decoder = AudioDecoder(self._track)
        self._resampler = AudioResampler(self.opened.channels)
        self._clock = SampleClock(rate)
        self._other_clock = LeastLag()

    def __enter__(self) -> MicrophoneReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._device.close()

    def read(self) -> Iterator[Sound]:
        """Yield pieces of sound, as soon as their times can be used.

        Raises:
            OSError, av.error.FFmpegError: the microphone gives no more.
        """
        for samples, stamp in self._device.read(_PIECE):
            yield from self._process(samples, stamp, time.time())

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


class FFmpegCapture:
    """A microphone that FFmpeg reads: of macOS or Windows. All methods block.

    Arguments:
        form, name: FFmpeg's input format and its name of the microphone.

    Raises:
        OSError, av.error.FFmpegError: it cannot be opened.
    """

    def __init__(self, form: str, name: str) -> None:
        if form not in av.formats_available:
            raise OSError(f"there is no {form} on this system")
        self._container = av.open(name, format=form)
        stream = self._container.streams.audio[0]
        codec = stream.codec_context
        self._base = float(stream.time_base or 0)
        self.codec, self.sample_bytes = codec.name, max(1, codec.format.bytes)
        self.rate, self.channels = codec.sample_rate, codec.channels

    def close(self) -> None:
        """Close it."""
        self._container.close()

    def read(self, seconds: float) -> Iterator[tuple[bytes, float]]:
        """Yield samples, and the time in seconds at which the first was captured (AlsaCapture).

        Raises:
            OSError, av.error.FFmpegError: it gives no more.
        """
        bytes_a_second = self.rate * self.channels * self.sample_bytes
        waiting: list[bytes] = []
        size, first = 0, None
        # Drivers give hundreds of packets a second: little is done for each of them.
        for packet in self._container.demux(audio=0):
            if not waiting:
                first = packet.pts
            data = bytes(packet)
            waiting.append(data)
            size += len(data)
            if size < seconds * bytes_a_second:
                continue
            now, length = time.time(), size / bytes_a_second
            stamp = now - length if first is None else first * self._base
            yield b"".join(waiting), stamp
            waiting, size = [], 0
            # More packets at once, and fewer times awake: they wait in the driver's buffer.
            if now - stamp - length < seconds / 2:
                time.sleep(seconds)


def _open(form: str, name: str) -> AlsaCapture | FFmpegCapture:
    return AlsaCapture(name) if form == "alsa" else FFmpegCapture(form, name)
