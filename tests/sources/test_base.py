"""The descriptions of modes and sources, and the interfaces of sources."""

from __future__ import annotations

import pytest

from tests.support.fakes import FakeSource
from twistedcam.sources.auto import AutoSource
from twistedcam.sources.base import (
    Interruptible,
    Reappearing,
    Relaying,
    RequestedMode,
    SourceInfo,
)
from twistedcam.sources.pattern import PatternSource


@pytest.mark.parametrize(
    ("info", "text"),
    [
        (SourceInfo(640, 480, 29.97, "MJPG"), "640x480 MJPG at 29.97 fps"),
        (SourceInfo(640, 480, 0, "MJPG"), "640x480 MJPG"),
        (SourceInfo(format="JPEG"), "JPEG"),
        (SourceInfo(), ""),
    ],
)
def test_the_offer_has_what_is_known(info: SourceInfo, text: str) -> None:
    assert info.offer == text


def test_a_source_whose_mode_is_unknown_is_described_by_its_name() -> None:
    assert str(SourceInfo(detail="pushed")) == "pushed"


def test_a_requested_mode_has_a_format_unless_any_is_accepted() -> None:
    assert str(RequestedMode(640, 480, 30.0, "YUYV")) == "640x480 YUYV at 30 fps"
    assert str(RequestedMode(640, 480, 7.5, "any")) == "640x480 at 7.5 fps"


def test_the_requested_mode_is_shown_if_another_was_granted() -> None:
    def line(width: int, fps: float, form: str) -> str:
        asked = RequestedMode(1280, 720, 30.0, form)
        return str(SourceInfo(width, 720, fps, "MJPG", "Fake", asked=asked))

    assert (
        line(1280, 30.0, "any") == line(1280, 30.0, "MJPG") == "1280x720 MJPG at 30 fps from Fake"
    )
    for width, fps, form in ((640, 30.0, "any"), (1280, 15.0, "any"), (1280, 30.0, "YUYV")):
        shown = "1280x720 YUYV" if form == "YUYV" else "1280x720"
        assert line(width, fps, form).endswith(f" from Fake ({shown} at 30 fps was requested)")


def test_the_note_is_shown_at_the_end() -> None:
    info = SourceInfo(640, 480, 30, "MJPG", "Fake", note="the camera has no gain")
    assert str(info) == "640x480 MJPG at 30 fps from Fake; the camera has no gain"


def test_a_source_has_the_interfaces_that_it_implements() -> None:
    interfaces = (Reappearing, Interruptible, Relaying)
    found = [
        [isinstance(source, each) for each in interfaces]
        for source in (AutoSource(), PatternSource(), FakeSource())
    ]
    assert found == [[True, False, False], [False, True, False], [False, False, False]]
