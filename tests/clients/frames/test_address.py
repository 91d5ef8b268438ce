"""Addresses of cameras."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam import connect
from twistedcam.clients.frames import CameraAddress, parse_target
from twistedcam.errors import BadArgument
from twistedcam.tls.client import Trust


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("twistedcam://host", CameraAddress("host")),
        ("twistedcam://host:99/door", CameraAddress("host", 99, "door")),
        ("host:99/door", CameraAddress("host", 99, "door")),
        ("twistedcam://[::1]:99/door?fps=2.5", CameraAddress("::1", 99, "door", fps=2.5)),
        ("twistedcam://:s%40t@host", CameraAddress("host", token="s@t")),
        ("twistedcam://host/?token=abc", CameraAddress("host", token="abc")),
        (
            "twistedcams://host?cafile=ca.pem",
            CameraAddress("host", tls=True, trust=Trust(None, "ca.pem")),
        ),
        (
            f"twistedcams://host?fingerprint={'AB:' * 31}ab&cert=me.pem",
            CameraAddress("host", tls=True, trust=Trust("ab" * 32, certificate="me.pem")),
        ),
        ("twistedcam+unix:/run/cam.sock", CameraAddress("", 0, path="/run/cam.sock")),
        ("twistedcam+unix:///run/c?camera=a", CameraAddress("", 0, "a", path="/run/c")),
    ],
)
def test_an_address_says_where_and_which(text: str, target: CameraAddress) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize(
    "text",
    [
        "http://host/stream",
        "twistedcam://",
        "host:notaport",
        "host?fps=0",
        "host?fps=1001",
        "host?fps=nan",
        "host?fps=x",
        "host?a=b",
    ],
)
def test_what_is_no_address_is_refused_with_its_own_text(text: str) -> None:
    with pytest.raises(BadArgument) as caught:
        parse_target(text)
    assert "host" in str(caught.value)


@pytest.mark.parametrize("fps", [0, -1, 0.0009, 1001, math.nan, math.inf, 10**400, "2", []])
def test_an_invalid_rate_is_refused(fps: float) -> None:
    target = CameraAddress("host", fps=5)
    for ask in (target.with_options, lambda fps: CameraAddress("host", fps=fps)):
        with pytest.raises(BadArgument, match=r"from 0\.001 to 1000"):
            ask(fps)
    with pytest.raises(BadArgument, match=r"from 0\.001 to 1000"):
        connect("host", fps=fps)
    assert (target.with_options().fps, target.with_options(2).fps) == (5, 2)


def test_the_token_is_never_shown() -> None:
    assert str(parse_target("twistedcam://:secret@host/door")) == "twistedcam://host:9530/door"


@given(st.text())
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with contextlib.suppress(BadArgument):
        parse_target(text)
