"""Plays the sound of a camera."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.runtime.extras import how_to_install
from twistedcam.util.libraries import av

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Samples a second and channels of what is played.
RATE, CHANNELS = 48_000, 2
#: Seconds of sound that wait for the output: at the start, and the most before some is dropped.
_START, _MOST = 0.06, 0.2
#: Seconds in the device's own buffer. With less, PortAudio on PulseAudio stops in between.
_LATENCY = 0.05
#: The steps of the volume, and the factor of each.
MAX_VOLUME, _STEP = 10, 0.7


class SoundDevice(Protocol):
    """A sound device that asks for samples."""

    def start(self) -> None:
        """Begin to ask."""

    def close(self) -> None:
        """Stop."""


#: Opens a device, which calls the function on a thread of its own with an array to fill: (samples,
#: CHANNELS) float32.
OpenDevice = Callable[[Callable[[Any], None]], SoundDevice]


class NoSoundError(Exception):
    """There is no device, or a library for it is missing. The message says what to do."""


def open_device(fill: Callable[[Any], None]) -> SoundDevice:
    """Return the system's default output.

    Raises:
        NoSoundError: there is none.
    """
    try:
        import sounddevice
    except ImportError:
        raise NoSoundError(
            f"the package sounddevice is missing: {how_to_install('sound')}"
        ) from None
    except OSError as error:  # the system's library
        raise NoSoundError(f"{error}: install it, in Debian as libportaudio2") from None

    def callback(samples: Any, count: int, time: Any, status: Any) -> None:
        fill(samples)

    try:
        stream: SoundDevice = sounddevice.OutputStream(
            samplerate=RATE, channels=CHANNELS, dtype="float32", latency=_LATENCY, callback=callback
        )
    except Exception as error:  # PortAudioError, and others of drivers
        raise NoSoundError(str(error).splitlines()[0]) from None
    return stream


class SoundPlayer:
    """Decodes packets of sound, and plays them as soon as they come.

    The device opens with the first packet that is to be heard. Sound that waits for too long is
    dropped, so that it stays with the picture.

    Arguments:
        on_failed: called with a sentence if there is no sound device; once.
        open_output: opens the device.
    """

    def __init__(
        self,
        on_failed: Callable[[str], None],
        open_output: OpenDevice = open_device,
    ) -> None:
        self.is_muted = False
        self.volume = MAX_VOLUME
        self._on_failed = on_failed
        self._open_output = open_output
        self._output: SoundDevice | None = None
        self._has_failed = False
        self._track: Track | None = None
        self._decoder: Any = None
        self._resampler: Any = None
        self._lock = threading.Lock()
        self._waiting: deque[NDArray[np.float32]] = deque()
        self._count = 0
        #: False until enough waits to begin.
        self._is_flowing = False

    def take(self, packet: Packet) -> None:
        """Play a packet. Called on one thread."""
        if self._has_failed or self.is_muted:
            self._clear()
            return
        try:
            pieces = self._decode(packet)
        except (av.FFmpegError, ValueError):
            self._track = None  # the next packet begins again
            return
        if self._output is None and not self._open():
            return
        with self._lock:
            for each in pieces:
                self._waiting.append(each)
                self._count += len(each)
            while self._count > _MOST * RATE:
                self._count -= len(self._waiting.popleft())

    def close(self) -> None:
        """Close the device. No packet may come any more."""
        output, self._output = self._output, None
        if output is not None:
            output.close()

    def fill(self, samples: Any) -> None:
        """Write the next samples, or silence; called on the device's thread."""
        at, wanted = 0, len(samples)
        with self._lock:
            if not self._is_flowing:
                self._is_flowing = self._count >= _START * RATE
            while self._is_flowing and at < wanted and self._waiting:
                piece = self._waiting.popleft()
                size = min(len(piece), wanted - at)
                samples[at : at + size] = piece[:size]
                if size < len(piece):
                    self._waiting.appendleft(piece[size:])
                self._count -= size
                at += size
            self._is_flowing = self._is_flowing and at == wanted
        samples[:at] *= _STEP ** (MAX_VOLUME - self.volume) if self.volume else 0.0
        samples[at:] = 0

    def _clear(self) -> None:
        with self._lock:
            self._waiting.clear()
            self._count = 0

    def _decode(self, packet: Packet) -> list[NDArray[np.float32]]:
        if packet.track != self._track:
            self._begin(packet.track)
        return [
            frame.to_ndarray().reshape(-1, CHANNELS)
            for decoded in self._decoder.decode(av.Packet(packet.data))
            for frame in self._resampler.resample(decoded)
        ]

    def _begin(self, track: Track) -> None:
        self._decoder = av.CodecContext.create(track.codec, "r")
        self._decoder.extradata = track.extradata
        self._resampler = av.AudioResampler("flt", "stereo", RATE)
        self._track = track

    def _open(self) -> bool:
        try:
            self._output = self._open_output(self.fill)
            self._output.start()
        except Exception as error:
            self._output, self._has_failed = None, True
            self._on_failed(f"no sound: {error}")
            return False
        return True


def print_hint(text: str) -> None:
    """Print why there is no sound."""
    print(f"twistedcam: {text}", file=sys.stderr, flush=True)
