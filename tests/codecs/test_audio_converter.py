"""Every codec, rate and number of channels becomes what is wanted, at its time."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.support.sound import click_times, decoded, encoded_packets, pcm_packets
from twistedcam.codecs.audio_converter import AudioConverter
from twistedcam.codecs.audio_encoder import MADE_CODECS, made_track
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track


def converted(packets: list[Packet]) -> dict[str, list[Packet]]:
    """Convert packets one by one; return what is made in each codec."""
    converter = AudioConverter()
    made: dict[str, list[Packet]] = {codec: [] for codec in MADE_CODECS}
    for packet in packets:
        result = converter.convert([packet], MADE_CODECS)
        assert result.reason is None
        for each in result.made:
            track = made_track(each.codec, packet.track)
            made[each.codec].append(Packet(track, 0, each.pts, each.pts, each.data))
    return made


@pytest.mark.parametrize(
    "form",
    [
        {"codec": "pcm_alaw", "rate": 8_000},
        {"codec": "pcm_mulaw", "rate": 8_000, "channels": 2},
        {"codec": "pcm_s16be", "rate": 44_100, "channels": 2},
        {"rate": 11_025},
        {"rate": 32_000, "channels": 3},
        {"rate": 192_000, "channels": 8},
    ],
)
def test_clicks_stay_at_their_times(form: dict[str, Any]) -> None:
    for codec, packets in converted(pcm_packets(**form)).items():
        assert click_times(packets) == pytest.approx([0, 1, 2], abs=0.001), codec


@pytest.mark.parametrize("codec", ["aac", "opus"])
def test_the_delay_of_encoders_moves_nothing(codec: str) -> None:
    for made, packets in converted(encoded_packets(codec, channels=2)).items():
        assert click_times(packets) == pytest.approx([0, 1, 2], abs=0.001), made
        assert packets[0].track.channels == 2


def test_times_of_packets_are_those_of_their_samples() -> None:
    for codec, packets in converted(pcm_packets(seconds=1)).items():
        ends = [(at, at + len(samples) / rate) for at, rate, samples in decoded(packets)]
        gaps = [after[0] - before[1] for before, after in pairwise(ends)]
        assert max(map(abs, gaps)) < 2e-6, codec


@pytest.mark.parametrize("lost", [range(60, 75), range(130, 132)])
def test_a_gap_becomes_silence(lost: range) -> None:
    made = converted(pcm_packets(seconds=4, without=lost))["pcm_s16le"]
    assert click_times(made) == pytest.approx([0, 1, 2, 3], abs=0.003)
    samples = sum(len(each) for _, _, each in decoded(made))
    assert samples == pytest.approx(4 * 48_000, abs=48 * 30)


def test_after_a_long_gap_a_new_run_begins() -> None:
    early = pcm_packets(seconds=1)
    late = pcm_packets(seconds=2, start_us=early[0].pts + 60_000_000)
    for codec, packets in converted([*early, *late]).items():
        times = click_times(packets)
        assert [times[0], times[-1]] == pytest.approx([0, 61], abs=0.001), codec
        assert sum(len(each) for _, _, each in decoded(packets)) < 3.2 * 48_000, codec


def test_a_clock_that_is_wrong_is_followed_by_resampling() -> None:
    packets = pcm_packets(seconds=20, pace=1.001)
    made = converted(packets)["pcm_s16le"]
    late = [time - round(time) * 1.001 for time in click_times(made)]
    assert max(map(abs, late)) < 0.005
    pts = [each.pts for each in made]
    samples = [len(each.data) // 2 for each in made]
    assert pts[-1] - pts[0] == pytest.approx(sum(samples[:-1]) / 0.048, abs=1)


def test_what_cannot_be_decoded_is_counted_with_the_reason() -> None:
    good = encoded_packets("aac", seconds=1)
    noise = [Packet(each.track, 0, each.pts, each.pts, bytes(160)) for each in good[10:20]]
    result = AudioConverter().convert([*good[:10], *noise, *good[20:]], ["opus"])
    assert result.failed == 10
    assert result.reason is not None and "aac cannot be decoded" in result.reason
    assert len(result.made) > 30


def test_a_codec_without_decoder_is_a_reason_and_no_more() -> None:
    track = Track(1, "audio", "pcm_nonsense", channels=1)
    result = AudioConverter().convert([Packet(track, 0, 0, 0, b"data")], ["aac"])
    assert result == ([], 1, "there is no decoder for pcm_nonsense here", [])


def test_an_encoder_begins_when_it_is_wanted() -> None:
    packets = pcm_packets(seconds=2)
    converter = AudioConverter()
    converter.convert(packets[:50], ["aac"])
    both = converter.convert(packets[50:], ["aac", "opus"]).made
    opus = [each for each in both if each.codec == "opus"]
    assert abs(opus[0].pts - packets[50].pts) < 40_000
    track = made_track("opus", packets[0].track)
    times = click_times(Packet(track, 0, each.pts, each.pts, each.data) for each in opus)
    assert times == pytest.approx([1.0], abs=0.001)
