"""The level of sound, in decibels below the loudest samples that there can be."""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from twistedcam.util.libraries import np

#: The level of silence, in decibels.
SILENCE_DB = -100.0
#: Seconds over which a level is told.
_SPAN = 1.0
#: Microseconds after which a level that was measured is old.
_OLD_US = 2_000_000
#: The bytes of the samples 0, 1 and -1.
_SILENT_BYTES = b"\x00\x01\xff"


class AudioLevel(NamedTuple):
    """The level of a piece of sound.

    Arguments:
        peak: the greatest sample, from 0 to 1.
        power: the mean of the squares of all samples, from 0 to 1.
    """

    peak: float
    power: float


def measure_level(samples: bytes) -> AudioLevel:
    """Return the level of samples of 16 bits (``pcm_s16le``)."""
    values = np.frombuffer(samples, "<i2")
    if not len(values):
        return AudioLevel(0.0, 0.0)
    peak = max(int(values.max()), -int(values.min()))
    as_float = values.astype(np.float32)
    return AudioLevel(peak / 32768, float(as_float @ as_float) / len(values) / 32768**2)


def is_digital_silence(samples: bytes) -> bool:
    """Return True if no sample of 16 bits is further from zero than 1."""
    # Most sound has other bytes, which is found without NumPy.
    if samples.translate(None, _SILENT_BYTES):
        return False
    return measure_level(samples).peak <= 1 / 32768


class LevelMeter:
    """The level of the last second. It is computed when it is read: most pieces never are."""

    def __init__(self) -> None:
        #: The time and the samples of each piece.
        self._pieces: deque[tuple[int, bytes]] = deque()
        #: The level of all pieces; None if it was not read since the last one came.
        self._level: tuple[float, float] | None = None

    def note(self, time_us: int, samples: bytes) -> None:
        """Take a piece of sound.

        Arguments:
            time_us: time of its capture in microseconds since the UNIX epoch.
            samples: of 16 bits (``pcm_s16le``).
        """
        pieces = self._pieces
        if pieces and time_us < pieces[-1][0]:
            pieces.clear()  # the clock was set back
        pieces.append((time_us, samples))
        while pieces[0][0] <= time_us - _SPAN * 1e6:
            pieces.popleft()
        self._level = None

    def clear(self) -> None:
        """Forget the level: there is no sound."""
        self._pieces.clear()

    def read(self, now_us: int) -> tuple[float, float] | None:
        """Return peak and effective value (RMS) in decibels; None if nothing was measured lately.

        Arguments:
            now_us: microseconds since the UNIX epoch.
        """
        pieces = self._pieces
        if not pieces or now_us - pieces[-1][0] > _OLD_US:
            return None
        if self._level is None:
            peak, power = measure_level(b"".join(samples for _, samples in pieces))
            self._level = _decibels(peak), _decibels(math.sqrt(power))
        return self._level


def _decibels(value: float) -> float:
    return round(max(SILENCE_DB, 20 * math.log10(value)), 1) if value > 0 else SILENCE_DB
