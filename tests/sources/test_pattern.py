"""The test picture."""

from __future__ import annotations

import time

import numpy as np
import pytest

from twistedcam.errors import BadArgument
from twistedcam.media import barcode
from twistedcam.sources.base import RawPicture
from twistedcam.sources.pattern import COLOUR_BARS, MIN_SIZE, PatternSource
from twistedcam.sources.registry import make_source
from twistedcam.sources.spec import parse


def read(source: PatternSource) -> RawPicture:
    picture = source.read()
    assert picture is not None and picture.image is not None
    return picture


@pytest.mark.parametrize("size", [MIN_SIZE, (641, 481)])
def test_each_picture_has_its_number_and_time_in_a_barcode(size: tuple[int, int]) -> None:
    source = PatternSource(size, 1000)
    before = time.time()
    info = source.open()
    assert (info.width, info.height, info.fps, info.steady) == (*size, 1000, True)
    for number in (1, 2, 3):
        picture = read(source)
        assert picture.image is not None and picture.image.shape == (size[1], size[0], 3)
        stamp = barcode.read(picture.image)
        assert stamp is not None
        assert (stamp.number, stamp.time_us) == (number, round(picture.time * 1e6))
        assert before <= picture.time <= time.time()
    source.close()


def test_the_colours_are_the_bars_of_the_ebu() -> None:
    source = PatternSource((700, 480), 1000)
    source.open()
    image = read(source).image
    assert image is not None
    row = 480 * 5 // 8  # below the ball, above the grey wedge
    assert [tuple(image[row, 50 + 100 * n].tolist()) for n in range(7)] == list(COLOUR_BARS)


def test_the_ball_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    source = PatternSource((640, 480), 1000)
    source.open()
    found = []
    for now in (600.0, 601.5, 603.0, 604.5):
        monkeypatch.setattr("twistedcam.sources.pattern.time.time", lambda now=now: now)
        image = read(source).image
        assert image is not None
        ball = np.all(image == (60, 180, 255), axis=2)
        found.append(round(float(np.nonzero(ball)[1].mean())))
    left, middle, right, back = found
    assert (left, middle, right) == (30, 320, 610) and back == middle


def test_an_interruption_ends_a_wait() -> None:
    source = PatternSource(fps=0.01)
    source.open()
    read(source)
    source.interrupt()
    assert source.read() is None


@pytest.mark.parametrize(
    ("text", "size", "fps"),
    [("pattern:", (640, 480), 30.0), ("pattern:?size=1280x720&fps=12.5", (1280, 720), 12.5)],
)
def test_settings_are_read(text: str, size: tuple[int, int], fps: float) -> None:
    source = make_source(parse(text))
    assert isinstance(source, PatternSource)
    assert (source.size, source.fps) == (size, fps)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pattern:bars", "pattern:"),
        (f"pattern:?size={MIN_SIZE[0] - 1}x480", "x90"),
        (f"pattern:?size=640x{MIN_SIZE[1] - 1}", "x90"),
        ("pattern:?fps=0", "fps"),
        ("pattern:?speed=1", "speed"),
    ],
)
def test_wrong_settings_are_refused(text: str, said: str) -> None:
    with pytest.raises(BadArgument, match=said):
        make_source(parse(text))
