"""Samples follow the timeline, whatever the device's clock says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from tests.support.sound import START_US, pcm_packets
from twistedcam.codecs.audio_decoder import AudioDecoder
from twistedcam.codecs.audio_resampler import AudioResampler, Samples
from twistedcam.media.packet import Packet


def resampled(packets: Iterable[Packet], channels: int = 1) -> list[Samples]:
    packets = list(packets)
    decoder, resampler = AudioDecoder(packets[0].track), AudioResampler(channels)
    return [
        samples
        for packet in packets
        for frame in decoder.decode(packet)
        for samples in resampler.resample(frame)
    ]


def clicks_in(made: list[Samples]) -> list[float]:
    found: list[float] = []
    for each in made:
        values: Any = each.frame.to_ndarray()[0][:: each.frame.layout.nb_channels]
        for index in np.flatnonzero(np.abs(values.astype(int)) > 5_000):
            time = (each.pts - START_US) / 1e6 + index / 48_000
            if not found or time - found[-1] > 0.3:
                found.append(float(time))
    return found


def test_samples_follow_each_other() -> None:
    made = resampled(pcm_packets(44_100, 2, seconds=1), 2)
    at = 0
    for each in made:
        assert (each.start, each.begin_us) == (at, START_US)
        at += each.frame.samples
    assert (made[0].frame.sample_rate, made[0].frame.format.name) == (48_000, "s16")


def test_a_device_s_clock_that_is_wrong_is_followed() -> None:
    made = resampled(pcm_packets(seconds=20, pace=1.001))
    late = [time - round(time) * 1.001 for time in clicks_in(made)]
    assert max(map(abs, late)) < 0.005
    assert made[-1].start == sum(each.frame.samples for each in made[:-1]), "no gap, no jump"


def test_jitter_of_times_changes_nothing() -> None:
    packets = pcm_packets(seconds=5)
    for number, each in enumerate(packets):
        each.pts += (number * 7919 % 4000) - 2000
    assert clicks_in(resampled(packets)) == pytest.approx([0, 1, 2, 3, 4], abs=0.004)


def test_an_overlap_is_cut() -> None:
    packets = pcm_packets(seconds=3)
    doubled = [*packets[:60], *packets[30:]]  # 0.6 s come a second time
    assert clicks_in(resampled(doubled)) == pytest.approx([0, 1, 2], abs=0.001)


def test_another_format_begins_a_new_run() -> None:
    made = resampled(pcm_packets(seconds=1))
    other = AudioResampler(1)
    low = pcm_packets(8_000, seconds=1)
    frame = AudioDecoder(low[0].track).decode(low[0])[0]
    other.resample(frame)
    packets = pcm_packets(seconds=1, start_us=START_US + 20_000)
    for frame in AudioDecoder(packets[0].track).decode(packets[0]):
        samples = other.resample(frame)
    assert samples[0].begin_us == START_US + 20_000
    assert made[0].begin_us == START_US
