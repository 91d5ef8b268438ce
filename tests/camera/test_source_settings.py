"""The settings of a camera's source: which there are, and which are refused."""

from __future__ import annotations

import pytest

from twistedcam.camera.source_settings import check_source, source_settings
from twistedcam.errors import BadArgument
from twistedcam.sources.spec import parse


@pytest.mark.parametrize(
    "wrong",
    [
        "pattern:?fps=many",  # of the source
        "pattern:?nothing=1",
        "pattern:?idle=sometimes",  # of every camera
        "pattern:?rotate=45",
        "push:?audio=loud",
        "nosuch:",
    ],
)
def test_a_source_with_a_wrong_setting_is_refused(wrong: str) -> None:
    with pytest.raises(BadArgument):
        check_source(parse(wrong))


def test_the_encoder_has_the_settings_of_the_source() -> None:
    assert check_source(parse("pattern:?quality=61")).quality == 61


def test_the_settings_of_the_source_and_of_every_camera_are_listed() -> None:
    kinds = source_settings(parse("pattern:")).kinds
    assert {"fps", "size", "idle", "title", "audio", "quality", "rotate", "flip"} <= set(kinds)
