"""What takes the place of sound is silent, as long, and fits between other packets."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest

from tests.support.sound import decoded, encoded_packets, pcm_packets
from twistedcam.media.packet import Packet
from twistedcam.media.silence import opus_length, silence_like
from twistedcam.media.track import AUDIO, Track


def muted(packets: list[Packet]) -> list[Packet]:
    made = []
    for each in packets:
        data = silence_like(each.track, each.data)
        assert data is not None
        made.append(Packet(each.track, each.seq, each.time_us, each.pts, data))
    return made


def loudest(packets: list[Packet]) -> int:
    return max(int(np.abs(samples.astype(int)).max()) for _, _, samples in decoded(packets))


@pytest.mark.parametrize("codec", ["pcm_alaw", "pcm_mulaw", "pcm_s16le", "pcm_s16be"])
def test_samples_are_silent(codec: str) -> None:
    packets = pcm_packets(8_000, 2, seconds=1, codec=codec)
    silent = muted(packets)
    assert loudest(packets) > 10_000
    assert loudest(silent) < 10
    assert [len(each.data) for each in silent] == [len(each.data) for each in packets]


def aac_packets(channels: int, layout: str) -> list[Packet]:
    encoder: Any = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.format, encoder.layout = 48_000, "fltp", layout
    encoder.time_base = Fraction(1, 48_000)
    encoder.open()
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (channels, 20_480)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(noise, format="fltp", layout=layout)
    frame.sample_rate, frame.pts = 48_000, 0
    track = Track(*(AUDIO, "audio", "aac", 0, 0, Fraction(48_000), channels, encoder.extradata))
    return [Packet(track, 0, 0, each.pts, bytes(each)) for each in encoder.encode(frame)]


@pytest.mark.parametrize(
    ("channels", "layout"),
    [(1, "mono"), (2, "stereo"), (3, "3.0"), (4, "4.0"), (5, "5.0"), (6, "5.1")],
)
def test_aac_is_silent_with_any_channels(channels: int, layout: str) -> None:
    packets = aac_packets(channels, layout)
    silent = muted(packets[5:])
    assert loudest(packets) > 5_000
    assert loudest(silent) == 0
    # It fits between others: only the first frame has an end of the sound before.
    mixed = [*packets[:5], *silent, *packets[5:]]
    lengths = [len(samples) for _, _, samples in decoded(mixed)]
    assert lengths == [1024] * len(mixed)


@pytest.mark.parametrize(("duration", "channels"), [("2.5", 1), ("10", 2), ("20", 1), ("60", 2)])
def test_opus_is_silent_and_as_long(duration: str, channels: int) -> None:
    encoder: Any = av.CodecContext.create("libopus", "w")
    layout = "mono" if channels == 1 else "stereo"
    encoder.sample_rate, encoder.format, encoder.layout = 48_000, "s16", layout
    encoder.options, encoder.time_base = {"frame_duration": duration}, Fraction(1, 48_000)
    encoder.open()
    noise = np.random.default_rng(1).integers(-9_000, 9_000, (1, 48_000 * channels))
    frame = av.AudioFrame.from_ndarray(noise.astype(np.int16), format="s16", layout=layout)
    frame.sample_rate, frame.pts = 48_000, 0
    track = Track(AUDIO, "audio", "opus", rate=Fraction(48_000), channels=channels)
    packets = [Packet(track, 0, 0, each.pts, bytes(each)) for each in encoder.encode(frame)]
    silent = muted(packets)
    assert {opus_length(each.data) for each in packets} == {float(duration) * 1000}
    assert {opus_length(each.data) for each in silent} == {float(duration) * 1000}
    assert loudest(packets) > 3_000
    assert loudest(silent[1:]) < 10
    assert loudest([*packets[:5], *silent[:-3]][30 if duration == "2.5" else 8 :]) < 10


@pytest.mark.parametrize("codec", ["aac", "opus"])
def test_clicks_are_gone(codec: str) -> None:
    assert loudest(muted(encoded_packets(codec, seconds=2))) < 10


def test_what_cannot_be_made_is_none() -> None:
    def track(codec: str, extradata: bytes = b"") -> Track:
        return Track(AUDIO, "audio", codec, extradata=extradata)

    assert silence_like(track("mp3"), b"data") is None
    assert silence_like(track("aac"), b"data") is None, "no configuration"
    assert silence_like(track("aac", bytes([39 << 3 & 0xFF, 0])), b"data") is None
    assert silence_like(track("opus"), b"") is None
    assert silence_like(track("pcm_u16le"), b"data") is None
