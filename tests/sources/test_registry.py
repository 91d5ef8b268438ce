"""The sources by their schemes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from twistedcam.errors import BadArgument
from twistedcam.net import urls
from twistedcam.sources.base import ReactorSource
from twistedcam.sources.push import Inbox, PushSource
from twistedcam.sources.registry import SCHEMES, known_settings, make_source, ranges
from twistedcam.sources.spec import SourceSpec, parse

#: An address of each scheme.
ADDRESSES = {
    **dict.fromkeys(SCHEMES, "{}://host/path"),
    **dict.fromkeys(("auto", "webcam", "pattern", "push"), "{}:"),
    "file": f"{{}}:{__file__}",
    "folder": f"{{}}:{Path(__file__).parent}",
    "ffmpeg": "{}:testsrc",
    "twistedcam+unix": "{}:///run/socket/camera",
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_scheme_makes_a_source(scheme: str) -> None:
    source = make_source(parse(ADDRESSES[scheme].format(scheme)))
    if not isinstance(source, ReactorSource):
        assert all(hasattr(source, method) for method in ("open", "read", "close"))


def test_an_unknown_scheme_lists_the_known_ones() -> None:
    with pytest.raises(BadArgument, match=r"'gopher'.*auto:, webcam:, picamera:, pattern:"):
        make_source(SourceSpec("gopher", "", {}, "gopher:"))


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(BadArgument, match="'speed'"):
        make_source(parse("pattern:?speed=1"))


def test_settings_and_their_ranges_are_those_of_the_source() -> None:
    spec = parse("pattern:")
    assert {"size", "fps", "quality"} <= known_settings(spec)
    assert "size" not in known_settings(parse("push:"))
    assert ranges(spec)["fps"] == (0.01, 1000)
    with pytest.raises(BadArgument):
        known_settings(parse("pattern:bars"))


def test_only_a_push_source_gets_the_inbox() -> None:
    inbox = Inbox()
    source = make_source(parse("push:"), inbox)
    assert isinstance(source, PushSource) and source.inbox is inbox
    assert not hasattr(make_source(parse("pattern:"), inbox), "inbox")


def test_schemes_are_those_of_urls_and_of_this_machine() -> None:
    local = {"auto", "webcam", "picamera", "pattern", "file", "folder", "push"}
    assert set(SCHEMES) == urls.SCHEMES | local


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rstp://h/x", "there is no source 'rstp': did you mean rtsp:?"),
        ("wombat:0", "there is no source 'wombat': use one of auto:, webcam:"),
        ("rtsp://:554/x", "has no host"),
        ("http://h:99999/x", "has no valid port"),
        ("rtsp://h:x/x", "has no valid port"),
    ],
)
def test_an_address_that_cannot_be_right_is_explained(text: str, reason: str) -> None:
    with pytest.raises(BadArgument, match=re.escape(reason)):
        make_source(parse(text))
