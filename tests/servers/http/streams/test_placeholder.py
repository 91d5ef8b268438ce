"""Tests of placeholders: their text fits into every size."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from tests.support.fakes import FakeScheme, ManualThread
from twistedcam.camera import Camera
from twistedcam.core.server import Server
from twistedcam.media import jpeg
from twistedcam.media.frame import Frame
from twistedcam.servers.http.streams.placeholder import (
    DEFAULT_SIZE,
    KEEP,
    MAX_PIXELS,
    Placeholders,
    draw,
    placeholder_size,
    state_shown,
)
from twistedcam.sources.spec import SourceSpec

LONG = "averyveryveryveryverylongcameranamethatneverends_01234567890123"
WIDE = "W" * 64
REASON = "no such device: " + "x" * 100


def inked(jpeg: bytes) -> np.ndarray:
    """Return True for each pixel that is not background."""
    image = np.asarray(Image.open(io.BytesIO(jpeg)).convert("L"), dtype=int)
    return np.asarray(np.abs(image - image[0, 0]) > 24)


@pytest.mark.parametrize("size", [(160, 120), (480, 270), (640, 480), (1280, 200), (200, 480)])
@pytest.mark.parametrize("name", ["door", LONG, WIDE])
def test_no_line_is_wider_than_the_picture(name: str, size: tuple[int, int]) -> None:
    for reason in ("", REASON):
        ink = inked(draw(name, "recovering", reason, *size))
        edge = max(1, size[0] // 100)
        assert ink.any()
        assert not ink[:, :edge].any() and not ink[:, -edge:].any()
        assert not ink[:1].any() and not ink[-1:].any()


def test_a_name_of_common_length_keeps_its_font_size() -> None:
    def height(name: str) -> int:
        rows = np.nonzero(inked(draw(name, "stopped", "", 640, 480)).any(axis=1))[0]
        return int(rows[-1] - rows[rows > 400][0])

    assert height("d" * 12) == height("d" * 4)
    assert height("d" * 60) < height("d" * 4)


class Rig:
    """Placeholders of a server with stopped cameras and manual threads."""

    def __init__(self, folder: Path) -> None:
        self.threads: list[ManualThread] = []
        self.server = Server(Clock(), folder, self._make_thread)  # type: ignore[arg-type]
        self.placeholders = Placeholders(self.server)

    def camera(self, name: str) -> Camera:
        with FakeScheme():
            self.server.add_camera(name, SourceSpec("fake", "", {}, "fake:"))
        camera = self.server.cameras[name]
        camera.width, camera.height = 64, 48
        return camera

    def ask(self, camera: Camera, into: list[Frame]) -> None:
        Deferred.fromCoroutine(self.placeholders.frame(camera)).addCallback(into.append)

    def _make_thread(self) -> ManualThread:
        self.threads.append(ManualThread())
        return self.threads[-1]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_all_viewers_of_a_camera_wait_for_one_drawing(rig: Rig) -> None:
    camera, shown = rig.camera("a"), list[Frame]()
    before = len(rig.threads)
    for _ in range(100):
        rig.ask(camera, shown)
    assert len(rig.threads) == before + 1
    thread = rig.threads[-1]
    assert len(thread.waiting) == 1 and shown == []
    thread.step()
    assert len(shown) == 100 and thread.ended and thread.waiting == []
    assert len({id(frame.jpeg) for frame in shown}) == 1
    assert jpeg.read_header(shown[0].jpeg).size == (64, 48)
    rig.ask(camera, shown)
    assert len(shown) == 101 and len(rig.threads) == before + 1  # from the cache


def test_all_cameras_share_one_thread(rig: Rig) -> None:
    shown: list[Frame] = []
    cameras = [rig.camera(name) for name in "abc"]
    before = len(rig.threads)
    for camera in cameras:
        rig.ask(camera, shown)
    assert len(rig.threads) == before + 1
    for left in (2, 1, 0):
        assert not rig.threads[-1].ended
        rig.threads[-1].step()
        assert len(rig.threads[-1].waiting) == left
    assert rig.threads[-1].ended and len(shown) == 3


def test_reasons_that_change_faster_than_they_are_drawn_do_not_queue(rig: Rig) -> None:
    camera, shown = rig.camera("a"), list[Frame]()
    for number in range(50):
        camera.state, camera.reason = "recovering", f"reason {number}"
        rig.ask(camera, shown)
    thread = rig.threads[-1]
    assert len(thread.waiting) == 1
    thread.step()  # the first reason, whose place has been taken
    assert len(thread.waiting) == 1
    thread.step()
    assert len(shown) == 50 and thread.ended
    assert {frame.shared(state_shown) for frame in shown} == {"recovering"}
    assert shown[0].jpeg == draw("a", "recovering", "reason 49", 64, 48)


def test_a_drawing_that_fails_fails_for_all_and_is_tried_again(rig: Rig) -> None:
    camera, failed, shown = rig.camera("a"), list[object](), list[Frame]()
    for _ in range(3):
        made = Deferred.fromCoroutine(rig.placeholders.frame(camera))
        made.addCallbacks(shown.append, failed.append)
    _, done = rig.threads[-1].waiting.pop(0)
    done.errback(MemoryError("no room"))
    assert len(failed) == 3 and rig.threads[-1].ended
    rig.ask(camera, shown)
    rig.threads[-1].step()
    assert len(shown) == 1


def test_the_cache_is_bounded(rig: Rig) -> None:
    camera, shown = rig.camera("a"), list[Frame]()
    for number in range(KEEP + 5):
        camera.reason = f"reason {number}"
        rig.ask(camera, shown)
        rig.threads[-1].step()
    assert len(rig.placeholders._cache) == KEEP


@pytest.mark.parametrize(
    ("size", "drawn"),
    [
        ((640, 360), (640, 360)),
        ((3840, 2160), (3840, 2160)),
        ((7680, 4320), (3840, 2160)),
        ((8192, 8192), (2880, 2880)),
        ((1, 1), (1, 1)),
        ((65535, 16), (65535, 16)),
        *(((0, 0), DEFAULT_SIZE), ((0, 480), DEFAULT_SIZE)),
        *(((-5, 480), DEFAULT_SIZE), ((640, -1), DEFAULT_SIZE), ((-640, -480), DEFAULT_SIZE)),
        *(((30000, 30000), DEFAULT_SIZE), ((10**9, 1), DEFAULT_SIZE), ((65536, 1), DEFAULT_SIZE)),
    ],
)
def test_a_placeholder_s_size_is_bounded(size: tuple[int, int], drawn: tuple[int, int]) -> None:
    assert placeholder_size(*size) == drawn
    assert drawn[0] * drawn[1] <= MAX_PIXELS


@pytest.mark.parametrize(
    ("asked", "drawn"),
    [
        ("800x600", (800, 600)),
        ("16384x16384", DEFAULT_SIZE),
        ("x", DEFAULT_SIZE),
        ("²x1", DEFAULT_SIZE),
    ],
)
def test_a_placeholder_has_the_requested_size_before_the_first_frame(
    rig: Rig, asked: str, drawn: tuple[int, int]
) -> None:
    camera, shown = rig.camera("a"), list[Frame]()
    camera.width = camera.height = 0
    camera.spec = SourceSpec("fake", "", {"size": asked}, "fake:")
    rig.ask(camera, shown)
    rig.threads[-1].step()
    assert (shown[0].width, shown[0].height) == drawn
    assert jpeg.read_header(shown[0].jpeg).size == drawn


def test_a_placeholder_has_the_stream_size_for_any_reason() -> None:
    for size in ((160, 120), (1920, 1080), (64, 16)):
        jpeg = draw("door", "recovering", "very " * 60 + "long", *size)
        assert Image.open(io.BytesIO(jpeg)).size == size
    assert draw("door", "stopped", "", 320, 240) != draw("door", "starting", "", 320, 240)
