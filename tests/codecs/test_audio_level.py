"""Levels in decibels of full scale."""

from __future__ import annotations

import math

import numpy as np
import pytest

from twistedcam.codecs.audio_level import (
    SILENCE_DB,
    LevelMeter,
    is_digital_silence,
    measure_level,
)

NOW = 1_700_000_000_000_000


def sine(amplitude: float) -> bytes:
    wave = np.sin(np.arange(4_800) * 2 * math.pi * 1_000 / 48_000) * amplitude * 32_768
    return wave.clip(-32_768, 32_767).astype("<i2").tobytes()


@pytest.mark.parametrize(("amplitude", "peak", "rms"), [(1.0, 0.0, -3.0), (0.1, -20.0, -23.0)])
def test_a_tone_has_its_peak_and_its_effective_value(
    amplitude: float, peak: float, rms: float
) -> None:
    meter = LevelMeter()
    meter.note(NOW, sine(amplitude))
    assert meter.read(NOW) == pytest.approx((peak, rms), abs=0.1)


def test_silence_is_told_as_such() -> None:
    meter = LevelMeter()
    meter.note(NOW, bytes(1_920))
    assert meter.read(NOW) == (SILENCE_DB, SILENCE_DB)
    assert measure_level(b"") == (0.0, 0.0)


def test_the_loudest_negative_sample_is_full_scale() -> None:
    assert measure_level(np.array([-32_768], "<i2").tobytes()) == (1.0, 1.0)


def test_a_level_is_that_of_the_last_second() -> None:
    meter = LevelMeter()
    meter.note(NOW, sine(1.0))
    for number in range(1, 60):
        meter.note(NOW + number * 20_000, sine(0.01))
    assert meter.read(NOW + 59 * 20_000) == pytest.approx((-40.0, -43.0), abs=0.1)


def test_an_old_level_is_none() -> None:
    meter = LevelMeter()
    assert meter.read(NOW) is None
    meter.note(NOW, sine(0.5))
    assert meter.read(NOW + 2_100_000) is None
    meter.note(NOW - 10_000_000, sine(0.5))
    assert meter.read(NOW - 10_000_000) is not None, "the clock was set back"
    meter.clear()
    assert meter.read(NOW) is None


def test_only_zeros_and_the_noise_of_one_bit_are_digital_silence() -> None:
    def samples(*values: int) -> bytes:
        return np.array(values * 300, "<i2").tobytes()

    assert is_digital_silence(samples(0))
    assert is_digital_silence(samples(0, 1, -1))
    for value in (2, -2, 255, 256, 257, -255, -256, 511, 20_000):
        assert not is_digital_silence(samples(0, value)), value
