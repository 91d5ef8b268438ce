"""The configurations of sound, and their tracks."""

from __future__ import annotations

import io

import av
import pytest

from twistedcam.media.sound_config import (
    is_wav_head,
    parse_aac_config,
    parse_opus_head,
    sound_track,
    wav_head,
)
from twistedcam.rtsp.payloads.opus import opus_head


@pytest.mark.parametrize(
    ("config", "rate", "channels"),
    [("1190", 48000, 2), ("1408", 16000, 1), ("1788000f", 0, 0), ("f9cc10", 0, 0)],
)
def test_the_config_of_aac_has_rate_and_channels(config: str, rate: int, channels: int) -> None:
    data = bytes.fromhex(config)
    if rate:
        assert parse_aac_config(data) == (rate, channels)
        return
    made = parse_aac_config(data)
    assert made[0] > 0


@pytest.mark.parametrize("config", ["", "11", "1690", "17800000"])
def test_a_broken_config_is_refused(config: str) -> None:
    with pytest.raises(ValueError, match=r"AAC|AudioSpecificConfig"):
        parse_aac_config(bytes.fromhex(config))


def test_an_opus_head_has_channels_and_always_the_same_rate() -> None:
    assert parse_opus_head(opus_head(2)) == (48000, 2)


@pytest.mark.parametrize("head", [b"", opus_head(1)[:18], b"OpusTags" + bytes(11), opus_head(0)])
def test_a_broken_opus_head_is_refused(head: bytes) -> None:
    with pytest.raises(ValueError, match="OpusHead"):
        parse_opus_head(head)


def test_a_track_has_what_its_configuration_says() -> None:
    track = sound_track("aac", bytes.fromhex("1408"))
    assert (track.id, track.kind, track.codec) == (1, "audio", "aac")
    assert (track.rate, track.channels, track.extradata) == (16000, 1, b"\x14\x08")
    assert sound_track("opus", opus_head(1)).rate == 48000
    with pytest.raises(ValueError, match="2000 bytes"):
        sound_track("opus", opus_head(1) + bytes(1981))


def test_the_head_of_a_wav_file_describes_a_codec() -> None:
    head = wav_head(0x45, 8000, 1, 4)
    assert is_wav_head(head)
    assert not is_wav_head(opus_head(1))
    with av.open(io.BytesIO(head), format="wav") as described:
        (stream,) = described.streams.audio
        assert stream.codec_context.name == "g726"
        assert (stream.rate, stream.channels, stream.bit_rate) == (8000, 1, 32000)
