"""A sound card whose clock is too fast or too slow: a capture device."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import av
import numpy as np

from twistedcam.microphones import reader
from twistedcam.microphones.piece_length import PieceLength
from twistedcam.microphones.reader import MicrophoneReader

#: The host's time of the first sample, in UNIX seconds.
START = 1_700_000_000.0
RATE = 48_000


class SoundCard:
    """Delivers a click at each full second of the host, with times that have some jitter.

    It also stands in for the module ``time``.

    Arguments:
        seconds: of sound.
        ppm: millionths by which its clock is too slow.
        epoch: the time of the first sample by the clock of its times.
    """

    def __init__(
        self,
        seconds: float,
        ppm: float,
        channels: int = 1,
        epoch: float = START,
    ) -> None:
        self.now = START
        self.rate, self.channels = RATE, channels
        self._count = round(seconds * RATE)
        self._pace = 1 + ppm * 1e-6
        self._layout = "mono" if channels == 1 else "stereo"
        self._epoch = epoch

    def read(self, length: PieceLength) -> Iterator[tuple[Any, float]]:
        """Yield all samples."""
        at = 0
        while at + (step := round(length.seconds * RATE)) < self._count:
            host = np.arange(at, at + step) / RATE * self._pace
            loud = ((host + 1e-9) % 1.0) < 0.001
            samples = np.repeat((loud * 20_000).astype("<i2")[:, None], self.channels, axis=1)
            true = at / RATE * self._pace
            jitter = ((at // 1920 * 7919) % 4001 - 2000) * 1e-6
            self.now = START + true + step / RATE + 0.004
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), layout=self._layout)
            frame.sample_rate = RATE
            yield frame, self._epoch + true + jitter
            at += step

    def close(self) -> None:
        """End."""

    def time(self) -> float:
        """The host's time."""
        return self.now

    monotonic = time


def heard_clicks(card: SoundCard, *, gather: bool = False) -> list[float]:
    """Read a card as a microphone; return the seconds since START at which clicks begin.

    Arguments:
        gather: True if nobody listens.
    """
    found: list[float] = []
    before = reader._open, reader.time
    reader._open = lambda form, name: card  # type: ignore[assignment]
    reader.time = card  # type: ignore[assignment]
    try:
        length = PieceLength()
        length.gather(gather)
        with MicrophoneReader("alsa:default", length) as microphone:
            for sound in chain.from_iterable(microphone.read()):
                values = np.frombuffer(sound.samples, "<i2")[:: card.channels].astype(int)
                for index in np.flatnonzero(np.abs(values) > 5_000):
                    at = sound.time_us / 1e6 - START + index / RATE
                    if not found or at - found[-1] > 0.3:
                        found.append(float(at))
    finally:
        reader._open, reader.time = before
    return found
