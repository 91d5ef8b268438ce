"""What nobody wants is not encoded."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from tests.support.fakes import TINY_JPEG, CameraRig, FakeScheme
from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.media import jpeg
from twistedcam.media.frame import Frame
from twistedcam.sources.base import RawPicture
from twistedcam.stream.hub import Sink

IMAGE: Any = np.full((90, 160, 3), 200, np.uint8)


def test_a_picture_that_nobody_wants_is_encoded_when_it_is_asked_for_and_once() -> None:
    picture = JpegEncoder(quality=70).finish(RawPicture(1.5, image=IMAGE), is_wanted=False)
    assert not picture.encoded
    assert not isinstance(picture.jpeg, bytes)
    made: list[bytes] = []

    def encode() -> bytes:
        assert callable(picture.jpeg)
        made.append(picture.jpeg())
        return made[-1]

    frame = Frame(1, picture.time_us, picture.width, picture.height, encode)
    assert made == []
    assert frame.jpeg is frame.jpeg is made[0]
    assert len(made) == 1
    assert made[0] == JpegEncoder(quality=70).finish(RawPicture(1.5, image=IMAGE)).jpeg


def test_the_size_is_known_before_the_picture_is_turned() -> None:
    ok, data = cv2.imencode(".jpg", IMAGE)
    assert ok
    for grab in (RawPicture(1.0, image=IMAGE), RawPicture(1.0, jpeg=data.tobytes())):
        for rotate in ("90", "180", "270"):
            picture = JpegEncoder(rotate=rotate).finish(grab, is_wanted=False)
            assert callable(picture.jpeg)
            assert jpeg.read_header(picture.jpeg()).size == (picture.width, picture.height)


def test_a_jpeg_from_the_camera_is_there_at_once() -> None:
    picture = JpegEncoder().finish(RawPicture(1.0, jpeg=TINY_JPEG), is_wanted=False)
    assert isinstance(picture.jpeg, bytes)


class Encoder(Sink):
    def take(self, frame: Frame) -> None:
        assert frame.jpeg


def test_a_camera_encodes_while_there_are_viewers_and_not_before_or_after() -> None:
    with FakeScheme() as scheme:
        rig = CameraRig()
        camera = rig.camera
        camera.start()
        scheme.sources[-1].script = [
            RawPicture(float(number), image=IMAGE) for number in range(100)
        ]
        rig.step(10)
        assert camera.counts.frames > 5
        assert camera.counts.encoded == camera.counts.passed == 0
        newest = camera.hub.newest
        assert newest is not None
        assert jpeg.read_header(newest.jpeg).size == (160, 90)
        sink = Encoder()
        camera.hub.add(sink)
        before = camera.counts.frames
        rig.step(10)
        assert camera.counts.encoded == camera.counts.frames - before > 5
        camera.hub.remove(sink)
        encoded = camera.counts.encoded
        rig.step(10)
        assert camera.counts.encoded == encoded
        camera.stop().addErrback(lambda _: None)
