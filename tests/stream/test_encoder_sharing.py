"""Which encoder viewers share with a recording or a target."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from twistedcam.codecs.h264_encoder import H264Settings
from twistedcam.stream.encoder_sharing import USUAL_SETTINGS, EncoderSharing


class Encoder(SimpleNamespace):
    """An encoder with settings and a measured rate."""

    __hash__ = object.__hash__


def encoder(bitrate: float | None = None, **settings: Any) -> Any:
    return Encoder(settings=H264Settings(**settings), bitrate=bitrate)


FACTS = USUAL_SETTINGS, (1280, 720), 30.0  # 4.1 Mbit/s at most


@pytest.mark.parametrize(
    ("other", "is_shared"),
    [
        (encoder(), True),
        (encoder(4e6), True),
        (encoder(preset="veryfast"), True),
        (encoder(crf=18), True),
        (encoder(crf=24), False),
        (encoder(size=(640, 360)), False),
    ],
)
def test_an_encoder_is_shared_that_is_as_good(other: Any, is_shared: bool) -> None:
    chosen = EncoderSharing().choose([other], *FACTS)
    assert chosen == (other.settings if is_shared else USUAL_SETTINGS)


def test_the_settings_of_viewers_exclude_others() -> None:
    own = H264Settings(preset="fast", bitrate=2_000_000)
    for other, is_shared in ((encoder(preset="fast"), True), (encoder(), False)):
        chosen = EncoderSharing().choose([other], own, (1280, 720), None)
        assert chosen == (other.settings if is_shared else own)


def test_pictures_that_need_much_are_not_encoded_without_a_limit() -> None:
    mine = Encoder(settings=USUAL_SETTINGS, bitrate=4e6)
    assert EncoderSharing().choose([mine, encoder()], *FACTS) == USUAL_SETTINGS
    mine.bitrate = 1e6
    assert EncoderSharing().choose([mine, encoder()], *FACTS) == H264Settings()


def test_an_encoder_above_the_limit_is_left_until_it_has_ended() -> None:
    sharing, other = EncoderSharing(), encoder(5e6)
    assert sharing.check_rate(other, *FACTS)
    assert not sharing.check_rate(other, *FACTS), "it is left once"
    other.bitrate = 1e6
    assert sharing.choose([other], *FACTS) == USUAL_SETTINGS
    sharing.forget(other)
    assert sharing.choose([other], *FACTS) == other.settings
    assert not sharing.check_rate(other, *FACTS)
