"""A source's text, long and short."""

from __future__ import annotations

from pathlib import Path

import pytest

from twistedcam.errors import BadArgument
from twistedcam.sources.spec import parse, parse_camera


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        ("0", "webcam:0"),
        ("12?fps=15", "webcam:12?fps=15"),
        ("/dev/video0", "webcam:/dev/video0"),
        ("/dev/video2?size=1280x720&fps=30", "webcam:/dev/video2?size=1280x720&fps=30"),
        ("/dev/v4l/by-id/usb-Cam-index0", "webcam:/dev/v4l/by-id/usb-Cam-index0"),
        ("video1", "webcam:/dev/video1"),
        ("webcam", "webcam:"),
        ("webcam?size=640x480", "webcam:?size=640x480"),
        ("auto", "auto:"),
        ("pattern", "pattern:"),
        ("/films/a.mp4", "file:/films/a.mp4"),
        (" webcam:0 ", "webcam:0"),
        ("rtsp://host/0", "rtsp://host/0"),
    ],
)
def test_a_short_form_is_the_address_that_it_stands_for(short: str, whole: str) -> None:
    found, expected = parse(short), parse(whole)
    assert (found.scheme, found.target) == (expected.scheme, expected.target)
    assert found.settings == expected.settings
    assert found.text == whole


def test_a_folder_by_its_path_is_a_folder_of_pictures(tmp_path: Path) -> None:
    assert parse(str(tmp_path)).scheme == "folder"
    assert parse(f"{tmp_path}/film.mp4").scheme == "file"


@pytest.mark.parametrize(
    ("text", "name", "whole"),
    [
        ("/dev/video0?size=640x480", "cam", "webcam:/dev/video0?size=640x480"),
        ("door=/dev/video0?size=640x480", "door", "webcam:/dev/video0?size=640x480"),
        ("door=0", "door", "webcam:0"),
        ("http://host/?user=a", "cam", "http://host/?user=a"),
    ],
)
def test_a_name_may_stand_before_a_short_form(text: str, name: str, whole: str) -> None:
    found, spec = parse_camera(text, "cam")
    assert (found, spec.text) == (name, whole)


@pytest.mark.parametrize("text", ["camera", "192.168.0", "", "film.mp4", "-1", "cam.ts"])
def test_what_stands_for_nothing_is_refused_with_examples(text: str) -> None:
    with pytest.raises(BadArgument, match=r"webcam:0, /dev/video0, rtsp://HOST") as refused:
        parse(text)
    assert ("; for a video file, file:film.mp4" in str(refused.value)) == (text == "film.mp4")


@pytest.mark.parametrize(
    "text",
    ["10.77.0.2", "192.168.1.10:554", "cam.local", "[fd00::7]:80/x", "cam.fritz.box/stream1"],
)
@pytest.mark.parametrize("login", ["", "S3CRET@"])
def test_an_address_without_its_beginning_is_refused_with_the_beginnings(
    text: str, login: str
) -> None:
    with pytest.raises(
        BadArgument, match=r"lacks its beginning: write onvif:// .*rtsp:// or"
    ) as no:
        parse(login + text)
    assert "S3CRET" not in str(no.value)
    assert (text in str(no.value)) == (not login)


def test_a_word_with_an_at_sign_is_not_repeated() -> None:
    with pytest.raises(BadArgument, match="this is not a source") as refused:
        parse("1:S3CRET@film.mp4")
    assert "S3CRET" not in str(refused.value)
