"""Settings of the encoder for viewers: their values, and what is wrong with others."""

from __future__ import annotations

import pytest

from twistedcam.codecs.h264_encoder import H264Settings
from twistedcam.codecs.video_settings import VideoSettings
from twistedcam.errors import BadArgument
from twistedcam.sources.spec import SourceSpec


def test_words_give_the_settings_of_an_encoder() -> None:
    found = VideoSettings.from_words(["bitrate=2M", "preset=veryfast", "encoder=auto"])
    assert found == VideoSettings(2_000_000, "veryfast", "auto")
    assert found.encoding == H264Settings("auto", 23, "veryfast", 2_000_000)
    assert VideoSettings.from_words(["preset=fast"], found).bitrate == 2_000_000
    small = VideoSettings.from_words(["substream=rtsp://host/b?channel=2"]).substream
    assert isinstance(small, SourceSpec)
    assert small.text == "rtsp://host/b?channel=2"
    assert VideoSettings().substream == "auto"
    for word in ("auto", "off"):
        assert VideoSettings.from_words([f"substream={word}"], found).substream == word


def test_the_rate_is_limited_by_size_and_rate_unless_it_is_off() -> None:
    usual = VideoSettings().encoding
    assert usual.most_bits(1280, 720, 30) == 4_147_200
    assert usual.most_bits(64, 48, 5) == 150_000
    off = VideoSettings.from_words(["bitrate=off"]).encoding
    assert off == H264Settings()
    assert off.most_bits(1280, 720, 30) is None


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("bitrate=much", "bitrate='much' is not a rate: write it as 4M or 800k, or auto, or off"),
        ("bitrate=5", "bitrate='5' is not between 10k and 1000M"),
        ("preset=quick", "preset"),
        ("encoder=h266", "encoder='h266' is unknown; use one of: libx264, auto"),
        ("substream=rtsp://host/b?rotate=90", "no setting 'rotate': that of the camera counts"),
        ("substream=rtsp:///b", "no host"),
        ("substream=push:", "clients cannot push a smaller stream"),
        ("bitrates=2M", "no video setting 'bitrates': did you mean 'bitrate'?"),
        ("bitrate", "write it as NAME=VALUE"),
    ],
)
def test_another_value_is_one_clear_error(word: str, reason: str) -> None:
    with pytest.raises(BadArgument) as error:
        VideoSettings.from_words([word])
    assert reason in str(error.value)
