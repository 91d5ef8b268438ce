"""A camera fails when a test says so, and works again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from twistedcam import read_barcode
from twistedcam.errors import CameraFailed
from twistedcam.media.jpeg_decoder import decode_upright
from twistedcam.sources.base import RawPicture, ReactorSource, Source
from twistedcam.sources.registry import make_source
from twistedcam.sources.spec import parse
from twistedcam.testing import FailingCamera


@pytest.fixture(scope="module")
def made() -> Iterator[FailingCamera]:
    with FailingCamera(size=(320, 240), fps=50) as camera:
        yield camera


@pytest.fixture
def camera(made: FailingCamera) -> Iterator[FailingCamera]:
    yield made
    made.restore()


@pytest.fixture
def reader(camera: FailingCamera) -> Iterator[Source]:
    """A source of the server that reads the camera."""
    source = make_source(parse(camera.url))
    assert not isinstance(source, ReactorSource)
    source.open()
    with contextlib.closing(source):
        yield source


def picture(source: Source) -> RawPicture:
    """The next picture, good or not."""
    while not isinstance(raw := source.read(), RawPicture):
        pass
    return raw


def jpeg(source: Source) -> bytes:
    """The JPEG of the next picture."""
    found = picture(source).jpeg
    assert found is not None
    return found


def image(source: Source) -> NDArray[np.uint8]:
    """The next picture, decoded."""
    return decode_upright(jpeg(source))


def read_on(source: Source) -> None:
    """Read until an error."""
    while True:
        source.read()


def number(source: Source) -> int:
    """The number in the next picture."""
    stamp = read_barcode(image(source))
    assert stamp is not None
    return stamp.number


def test_its_pictures_are_numbered(reader: Source) -> None:
    first = number(reader)
    assert [number(reader) for _ in range(3)] == [first + 1, first + 2, first + 3]


def test_a_lost_camera_ends_connections_and_refuses_new_ones(
    camera: FailingCamera, reader: Source
) -> None:
    jpeg(reader)
    camera.lose()
    with pytest.raises(CameraFailed, match=r"ended the stream|reset|closed"):
        read_on(reader)
    again = make_source(parse(camera.url))
    assert not isinstance(again, ReactorSource)
    with pytest.raises(CameraFailed, match="refused"):
        again.open()
    camera.restore()
    again.open()
    with contextlib.closing(again):
        assert number(again) > 0


def test_a_frozen_camera_repeats_one_picture(camera: FailingCamera, reader: Source) -> None:
    jpeg(reader)
    camera.freeze()
    until_frozen = [jpeg(reader) for _ in range(30)]  # those under way are different
    assert len(set(until_frozen[-5:])) == 1
    camera.restore()
    while jpeg(reader) == until_frozen[-1]:
        pass


def test_a_slow_camera_goes_on_with_the_next_number(camera: FailingCamera, reader: Source) -> None:
    before = number(reader)
    camera.slow_down(1)
    assert camera.fps == 1
    sent = camera.sent
    begun = time.monotonic()
    while camera.sent < sent + 2:
        reader.read()
    assert time.monotonic() - begun >= 0.9
    camera.restore()
    assert camera.fps == 50
    assert number(reader) > before


def test_a_picture_of_the_test_is_sent_instead(camera: FailingCamera, reader: Source) -> None:
    camera.show(np.full((120, 160, 3), 128, np.uint8))
    while (found := image(reader)).shape != (120, 160, 3):
        pass
    assert abs(int(found.mean()) - 128) <= 1
    camera.show(b"no picture at all")
    while not (fault := picture(reader).fault):
        pass
    assert "picture" in fault


def test_corrupt_pictures_are_cut_off(camera: FailingCamera, reader: Source) -> None:
    whole = jpeg(reader)
    camera.corrupt()
    while len(cut := jpeg(reader)) > 600:
        pass
    assert cut[:100] == whole[:100]
    assert not cut.endswith(b"\xff\xd9")
    camera.restore()
    while len(jpeg(reader)) <= 600:
        pass


def test_a_stalled_camera_sends_nothing(camera: FailingCamera, reader: Source) -> None:
    jpeg(reader)
    camera.stall()
    sent = camera.sent
    time.sleep(0.1)  # five pictures would come
    assert camera.sent == sent
    camera.restore()
    while camera.sent == sent:
        jpeg(reader)
