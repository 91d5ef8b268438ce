"""Pictures that say why there is no picture: all of what they say is in them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from twistedcam.http.placeholder import draw

LONG = "averyveryveryveryverylongcameranamethatneverends_01234567890123"
WIDE = "W" * 64
REASON = "no such device: " + "x" * 100


def inked(jpeg: bytes) -> np.ndarray:
    """Where something is written: True for each pixel that is not the background's."""
    image = np.asarray(Image.open(io.BytesIO(jpeg)).convert("L"), dtype=int)
    return np.asarray(np.abs(image - image[0, 0]) > 24)


@pytest.mark.parametrize("size", [(160, 120), (480, 270), (640, 480), (1280, 200), (200, 480)])
@pytest.mark.parametrize("name", ["door", LONG, WIDE])
def test_no_line_runs_out_of_the_picture(name: str, size: tuple[int, int]) -> None:
    for reason in ("", REASON):
        ink = inked(draw(name, "recovering", reason, *size))
        edge = max(1, size[0] // 100)
        assert ink.any()
        assert not ink[:, :edge].any() and not ink[:, -edge:].any()
        assert not ink[:1].any() and not ink[-1:].any()


def test_a_name_of_a_common_length_keeps_its_size() -> None:
    def height(name: str) -> int:
        rows = np.nonzero(inked(draw(name, "stopped", "", 640, 480)).any(axis=1))[0]
        return int(rows[-1] - rows[rows > 400][0])

    assert height("d" * 12) == height("d" * 4)
    assert height("d" * 60) < height("d" * 4)
