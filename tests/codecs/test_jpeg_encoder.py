"""What is done to pictures on their way: turned as asked, the time written in, else untouched."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from tests.support.system import require
from twistedcam.codecs import jpeg_transform as lossless
from twistedcam.codecs.jpeg_encoder import EncodedPicture, JpegEncoder
from twistedcam.codecs.jpeg_transform import load_library, turn_jpeg
from twistedcam.errors import BadArgument
from twistedcam.sources.base import RawPicture
from twistedcam.sources.spec import parse

GREY: Any = np.full((360, 640, 3), 128, np.uint8)


def jpeg_of(image: Any) -> bytes:
    return cv2.imencode(".jpg", image)[1].tobytes()


def image_of(picture: EncodedPicture) -> Any:
    assert isinstance(picture.jpeg, bytes)
    return cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)


def marks(picture: EncodedPicture) -> tuple[bool, bool, bool, bool]:
    """Whether each corner is bright: upper left, upper right, lower left, lower right."""
    image = image_of(picture)
    corners = image[10, 10], image[10, -10], image[-10, 10], image[-10, -10]
    upper_left, upper_right, lower_left, lower_right = (bool(c.mean() > 190) for c in corners)
    return upper_left, upper_right, lower_left, lower_right


#: Where the upper left corner goes: 0 upper left, 1 upper right, 2 lower left, 3 lower right.
TURNS = {
    "rotate=90": 1,
    "rotate=180": 3,
    "rotate=270": 2,
    "flip=h": 1,
    "flip=v": 2,
    "rotate=90&flip=h": 0,
    "rotate=90&flip=v": 3,
    "rotate=180&flip=v": 1,
    "rotate=270&flip=v": 0,
}


@pytest.mark.parametrize("as_jpeg", [True, False])
@pytest.mark.parametrize(("query", "corner"), list(TURNS.items()))
def test_the_upper_left_corner_goes_where_it_is_asked_to(
    query: str, corner: int, as_jpeg: bool
) -> None:
    image = GREY.copy()
    image[:40, :40] = 255
    grab = RawPicture(1.0, jpeg=jpeg_of(image)) if as_jpeg else RawPicture(1.0, image=image)
    picture = JpegEncoder.from_spec(parse(f"pattern:?{query}")).finish(grab)
    assert [index for index, bright in enumerate(marks(picture)) if bright] == [corner]


@pytest.mark.parametrize("as_jpeg", [True, False])
def test_the_time_of_capture_is_written_into_the_lower_left_and_nowhere_else(as_jpeg: bool) -> None:
    def written(query: str, seconds: float) -> Any:
        grab = (
            RawPicture(seconds, jpeg=jpeg_of(GREY)) if as_jpeg else RawPicture(seconds, image=GREY)
        )
        return image_of(JpegEncoder.from_spec(parse(f"pattern:?{query}")).finish(grab)).astype(int)

    plain = written("", 1.7e9)
    one, same, other = (written("timestamp=1", at) for at in (1.7e9, 1.7e9, 1.7e9 + 86_400))
    changed = np.argwhere(abs(one - plain).max(axis=2) > 60)
    assert len(changed) > 200
    assert changed[:, 0].min() > 300
    assert changed[:, 1].max() < 400
    assert (one == same).all()
    assert abs(one - other).max() > 60, "another day is other words"
    assert (GREY == 128).all(), "the source's own picture is not drawn on"


@pytest.mark.parametrize("as_jpeg", [True, False])
@pytest.mark.parametrize("is_wanted", [True, False])
@pytest.mark.parametrize("turn", ["", "&rotate=90", "&flip=h&timestamp=1"])
def test_what_privacy_covers_is_black_and_nothing_else(
    turn: str, is_wanted: bool, as_jpeg: bool
) -> None:
    image = np.full((360, 640, 3), 200, np.uint8)
    encoder = JpegEncoder.from_spec(
        parse(f"webcam:0?privacy=0,0 0.5,0 0.5,0.5 0,0.5;0.9,0 1,0 1,0.2{turn}")
    )
    raw = RawPicture(1.0, jpeg=jpeg_of(image)) if as_jpeg else RawPicture(1.0, image=image)
    picture = encoder.finish(raw, is_wanted)
    if callable(picture.jpeg):
        picture = picture._replace(jpeg=picture.jpeg())
    shown = image_of(picture)
    height, width = shown.shape[:2]
    assert shown[: height // 2, : width // 2].max() < 12
    assert shown[2 : height // 12, -8:].max() < 12
    assert shown[: height // 3, width // 2 + 16 : int(width * 0.85)].min() > 180
    assert shown[height // 2 + 16 : int(height * 0.8)].min() > 180
    assert (image == 200).all(), "the source's own array was changed"
    assert encoder.has_to_draw, "packets of the camera would show what is covered"


def test_a_thumbnail_in_exif_does_not_show_what_privacy_covers() -> None:
    jpeg = jpeg_of(GREY)
    exif = b"\xff\xe1" + (8 + len(jpeg)).to_bytes(2, "big") + b"Exif\0\0" + jpeg
    raw = RawPicture(1.0, jpeg=jpeg[:2] + exif + jpeg[2:])
    encoder = JpegEncoder.from_spec(parse("webcam:0?privacy=0,0 1,0 1,1 0,1"))
    shown = encoder.finish(raw)
    assert isinstance(shown.jpeg, bytes)
    assert b"Exif" not in shown.jpeg
    assert image_of(shown).max() < 12


def test_without_any_of_it_the_camera_s_bytes_are_the_picture() -> None:
    data = jpeg_of(GREY)
    assert JpegEncoder.from_spec(parse("webcam:0")).finish(RawPicture(1.0, jpeg=data)).jpeg is data


TEXTURE: Any = np.random.default_rng(7).integers(0, 255, (24, 40, 3), np.uint8)
SUBSAMPLED = {
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
}


def camera_jpeg(width: int, height: int, sampling: str) -> bytes:
    """A picture with something everywhere, as a camera would make it."""
    image = cv2.resize(TEXTURE, (width, height), interpolation=cv2.INTER_CUBIC)
    settings = [
        cv2.IMWRITE_JPEG_QUALITY,
        90,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        SUBSAMPLED[sampling],
    ]
    return cv2.imencode(".jpg", image, settings)[1].tobytes()


def need_turbojpeg() -> None:
    require(load_library(), "libturbojpeg is not installed (Debian: apt-get install libturbojpeg0)")


@pytest.mark.parametrize("sampling", SUBSAMPLED)
@pytest.mark.parametrize("query", [*TURNS, "rotate=180&flip=h", "rotate=270&flip=h"])
def test_a_camera_s_jpeg_is_turned_without_loss(query: str, sampling: str) -> None:
    need_turbojpeg()
    data = camera_jpeg(640, 352, sampling)
    encoder = JpegEncoder.from_spec(parse(f"webcam:0?{query}"))
    picture = encoder.finish(RawPicture(1.0, jpeg=data))
    assert (picture.turned, picture.encoded, encoder.turning) == (True, False, "without loss")
    turned = image_of(picture)
    assert (picture.height, picture.width) == turned.shape[:2]
    # Decoders smooth colours along rows and columns a little differently.
    expected = JpegEncoder.from_spec(parse(f"webcam:0?quality=100&{query}"))
    exact = expected._turn(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
    grey = [cv2.cvtColor(each, cv2.COLOR_BGR2GRAY).astype(int) for each in (turned, exact)]
    assert abs(grey[0] - grey[1]).max() <= 6
    back = {"90": "270", "270": "90"}.get(encoder._rotate, encoder._rotate)
    once = turn_jpeg(picture.jpeg, "", encoder._flip) if encoder._flip else picture.jpeg
    again = turn_jpeg(once, back, "") if back else once
    same = [cv2.imdecode(np.frombuffer(each, np.uint8), cv2.IMREAD_COLOR) for each in (again, data)]
    assert (same[0] == same[1]).all(), "turned back it is the camera's picture, bit for bit"


@pytest.mark.parametrize("sampling", SUBSAMPLED)
def test_a_size_that_is_not_in_whole_blocks_is_turned_by_encoding_and_status_says_why(
    sampling: str,
) -> None:
    need_turbojpeg()
    encoder = JpegEncoder.from_spec(parse("webcam:0?rotate=180"))
    picture = encoder.finish(RawPicture(1.0, jpeg=camera_jpeg(635, 350, sampling)))
    assert (picture.turned, picture.encoded) == (False, True)
    assert image_of(picture).shape[:2] == (350, 635)
    assert encoder.turning is not None
    assert "not perfect" in encoder.turning


def test_without_the_library_pictures_are_turned_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lossless, "load_library", lambda: None)
    encoder = JpegEncoder.from_spec(parse("webcam:0?rotate=90"))
    picture = encoder.finish(RawPicture(1.0, jpeg=camera_jpeg(640, 352, "4:2:0")))
    assert (picture.encoded, picture.width, picture.height) == (True, 352, 640)
    assert encoder.turning == "decoded and encoded: there is no libturbojpeg"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("rotate=45", "it is one of 90, 180, 270, or omitted"),
        ("flip=x", "it is one of h, v, or omitted"),
        ("timestamp=yes", "it is one of 0, 1"),
        *(
            (f"quality={word}", "it is a number from 1 to 100")
            for word in ("5_0", " 50", "٥", "nan")
        ),
    ],
)
def test_a_setting_that_will_not_do_says_what_it_can_be(query: str, said: str) -> None:
    with pytest.raises(BadArgument) as error:
        JpegEncoder.from_spec(parse(f"pattern:?{query}"))
    assert str(error.value).endswith(f"is not valid: {said}")
