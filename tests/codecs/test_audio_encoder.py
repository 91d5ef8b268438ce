"""Encoders say before they begin what they make, and at which times."""

from __future__ import annotations

from fractions import Fraction

import av
import pytest

from tests.support.sound import START_US, pcm_packets
from twistedcam.codecs.audio_decoder import AudioDecoder
from twistedcam.codecs.audio_encoder import AudioEncoder, EncodedAudio, made_track
from twistedcam.codecs.audio_resampler import AudioResampler
from twistedcam.media.track import AUDIO, Track
from twistedcam.rtsp.formats import parse_aac_config


def encoded(codec: str, channels: int = 1) -> list[EncodedAudio]:
    packets = pcm_packets(48_000, channels, seconds=0.5)
    decoder, resampler = AudioDecoder(packets[0].track), AudioResampler(channels)
    encoder = AudioEncoder(codec, channels)
    return [
        made
        for packet in packets
        for frame in decoder.decode(packet)
        for samples in resampler.resample(frame)
        for made in encoder.encode(samples)
    ]


@pytest.mark.parametrize(("given", "made"), [(1, 1), (2, 2), (6, 2), (0, 2)])
def test_the_track_is_known_before_the_first_packet(given: int, made: int) -> None:
    source = Track(AUDIO, "audio", "pcm_s16le", rate=Fraction(8_000), channels=given)
    aac, opus, pcm = (made_track(codec, source) for codec in ("aac", "opus", "pcm_s16le"))
    assert {each.channels for each in (aac, opus, pcm)} == {made}
    assert {each.rate for each in (aac, opus, pcm)} == {48_000}
    assert parse_aac_config(aac.extradata) == (48_000, made)
    for codec, track in (("aac", aac), ("libopus", opus)):
        encoder = av.CodecContext.create(codec, "w")
        encoder.sample_rate, encoder.time_base = 48_000, Fraction(1, 48_000)
        encoder.format = "fltp" if codec == "aac" else "s16"
        encoder.layout = "mono" if made == 1 else "stereo"
        encoder.open()
        assert encoder.extradata.startswith(track.extradata), "what FFmpeg itself says"


@pytest.mark.parametrize(("codec", "before", "unit"), [("aac", 1024, 1024), ("opus", 312, 960)])
def test_the_first_unit_begins_before_the_first_sample(codec: str, before: int, unit: int) -> None:
    made = encoded(codec)
    assert made[0].pts == START_US + -before * 1_000_000 // 48_000
    assert made[1].pts == START_US + (unit - before) * 1_000_000 // 48_000


def test_samples_pass_as_they_are() -> None:
    made = encoded("pcm_s16le", 2)
    assert made[0].pts == START_US
    assert all(len(each.data) % 4 == 0 for each in made)
    assert sum(len(each.data) for each in made) == pytest.approx(48_000 * 2, rel=0.05)
