"""MJPEG is taken where size and rate need it, raw where it does not cost frames."""

from __future__ import annotations

import pytest

from twistedcam.errors import CameraFailed
from twistedcam.sources.webcam.modes import choose_format, list_modes
from twistedcam.sources.webcam.v4l2 import Mode

USUAL = [
    Mode("MJPG", 1280, 720, (30, 15)),
    Mode("MJPG", 640, 480, (60, 30)),
    Mode("YUYV", 640, 480, (30, 15)),
    Mode("YUYV", 1280, 720, (10,)),
]


@pytest.mark.parametrize(
    ("size", "fps", "wish", "chosen"),
    [
        ((1280, 720), 30, "any", "MJPG"),  # raw would give ten
        ((1280, 720), 10, "any", "YUYV"),
        ((640, 480), 30, "any", "YUYV"),
        ((640, 480), 60, "any", "MJPG"),
        ((800, 600), 30, "any", "MJPG"),  # no such size: the driver takes one that is near
        ((640, 480), 30, "mjpg", "MJPG"),
        ((1280, 720), 30, "yuyv", "YUYV"),
    ],
)
def test_the_format_fits_size_rate_and_wish(
    size: tuple[int, int], fps: float, wish: str, chosen: str
) -> None:
    assert choose_format(USUAL, size, fps, wish) == chosen


def test_raw_that_is_dear_to_encode_is_left() -> None:
    modes = [Mode("YUYV", 1920, 1080, (30,)), Mode("MJPG", 1920, 1080, (30,))]
    assert choose_format(modes, (1920, 1080), 30, "any") == "MJPG"


def test_what_there_is_is_taken() -> None:
    assert choose_format([Mode("YUYV", 1920, 1080, (5,))], (1280, 720), 30, "any") == "YUYV"
    assert choose_format([Mode("NV12", 640, 480, ())], (640, 480), 30, "any") is None
    assert choose_format([], (640, 480), 30, "any") == "MJPG"


def test_a_refused_format_says_which_there_are() -> None:
    with pytest.raises(CameraFailed, match="no YUYV: it has MJPG 1280x720 at 30/15, MJPG 640x480"):
        choose_format(USUAL[:2], (640, 480), 30, "yuyv")


def test_a_device_with_hundreds_of_modes_is_refused_in_a_line_that_can_be_read() -> None:
    names = [f"F{number:03}" for number in range(60)]
    modes = [Mode(name, width, 480, (30.0,)) for name in names for width in (320, 640)]
    line = list_modes(modes)
    assert line.startswith("F000, F001, ")
    assert "and 40 more" in line
    assert len(line) < 300
