"""The first pictures of a webcam that was closed are dark, and are left out."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.fakecam import FakeBus, Format, encode_jpeg, require_fakecam
from tests.support.camera_rig import serving
from tests.support.process import PATIENCE, wait_for
from twistedcam.errors import BadArgument
from twistedcam.sources.registry import make_source
from twistedcam.sources.spec import parse
from twistedcam.sources.webcam.source import SETTLE_FRAMES

DARK, BRIGHT = (encode_jpeg(np.full((48, 64, 3), level, np.uint8)) for level in (5, 200))


def level(url: str) -> int:
    """The mean of a snapshot's pixels."""
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        data = np.frombuffer(answer.read(), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    return round(float(picture.mean()))


@pytest.mark.parametrize("source", ["webcam:0?size=64x48&idle=close", "auto:?idle=close"])
def test_a_snapshot_of_a_closed_webcam_is_not_dark(tmp_path: Path, source: str) -> None:
    require_fakecam()
    frames = [DARK] * (SETTLE_FRAMES - 1) + [BRIGHT] * 200
    http = ("--http", "tcp:0:interface=127.0.0.1")
    with FakeBus() as bus:
        bus.plug([Format("MJPG", 64, 48, (30,), frames)])
        with serving(tmp_path, bus, "--camera", source, *http) as server:
            wait_for(lambda: server.status()["state"] == "stopped", "the pause")
            assert abs(level(f"{server.http}/snapshot") - 200) <= 2


def test_settle_is_a_number_of_pictures() -> None:
    for text, count in (
        ("webcam:0", 0),
        ("webcam:0?idle=close", SETTLE_FRAMES),
        ("webcam:0?idle=close&settle=0", 0),
        ("webcam:0?settle=25", 25),
    ):
        assert make_source(parse(text)).settle == count  # type: ignore[attr-defined]
    with pytest.raises(BadArgument, match="settle"):
        make_source(parse("webcam:0?settle=-1"))
