"""Formats by their names, and by the endings of files."""

from __future__ import annotations

import pytest

from twistedcam.errors import BadArgument
from twistedcam.recording.containers import CONTAINERS, FORMATS, format_of_name, parse_format


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("auto", "auto.mp4"),
        ("h264", "h264.mp4"),
        ("copy", "copy.mkv"),
        ("copy.avi", "copy.avi"),
        ("H264.MKV", "h264.mkv"),
        ("mp4", "auto.mp4"),
        ("mov", "copy.mov"),
    ],
)
def test_a_format_has_a_codec_and_a_container(text: str, shown: str) -> None:
    assert str(parse_format(text)) == shown


@pytest.mark.parametrize("text", ["gif", "copy.mp4", "", "h264.avi"])
def test_other_formats_are_refused(text: str) -> None:
    with pytest.raises(BadArgument, match="h264, copy"):
        parse_format(text)


@pytest.mark.parametrize(
    ("name", "preferred", "shown"),
    [
        ("a.mp4", None, "auto.mp4"),
        ("a.MKV", None, "copy.mkv"),
        ("a.mkv", "h264", "h264.mkv"),
        ("a.avi", "h264", "copy.avi"),
        ("a.mp4", "copy", "auto.mp4"),
    ],
)
def test_the_ending_selects_the_container(name: str, preferred: str | None, shown: str) -> None:
    wanted = None if preferred is None else FORMATS[preferred]
    assert str(format_of_name(name, wanted)) == shown


def test_pictures_of_a_timelapse_are_held_back_for_a_shorter_time_of_playback() -> None:
    assert CONTAINERS[".mkv"].writing(1.0)["cluster_time_limit"] == "400"
    assert CONTAINERS[".mkv"].writing(40.0)["cluster_time_limit"] == "10"
    assert CONTAINERS[".mp4"].writing(1.0)["frag_duration"] == "400000"
    assert CONTAINERS[".avi"].writing(300.0) == {}
