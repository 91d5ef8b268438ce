"""Odd pictures of cameras: mended, turned upright, made showable, or refused with a sentence."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import compress, crc32

import cv2
import numpy as np
import pytest

from tests.codecs.test_jpeg_encoder import need_turbojpeg
from tests.support.odd_jpegs import (
    ARITHMETIC,
    decoded,
    lossless,
    make_jpeg,
    texture,
    twelve_bit,
    with_frame_header,
    with_orientation,
    with_padded_restarts,
    with_size,
)
from twistedcam import Frame
from twistedcam.codecs.jpeg_encoder import EncodedPicture, JpegEncoder
from twistedcam.errors import BadArgument
from twistedcam.media import jpeg
from twistedcam.media.jpeg_repair import repair_jpeg
from twistedcam.sources.base import RawPicture
from twistedcam.sources.folder import FolderSource
from twistedcam.sources.registry import known_settings
from twistedcam.sources.spec import parse

GOOD = make_jpeg()


def finish(data: bytes, query: str = "", encoder: JpegEncoder | None = None) -> EncodedPicture:
    """What a camera with these settings makes of a picture."""
    encoder = encoder or JpegEncoder.from_spec(parse(f"webcam:0?{query}"))
    return encoder.finish(RawPicture(1.0, jpeg=data))


def bytes_of(picture: EncodedPicture) -> bytes:
    assert isinstance(picture.jpeg, bytes)
    return picture.jpeg


@contextmanager
def stderr_of_the_process() -> Iterator[list[str]]:
    """What is written to file descriptor 2 meanwhile, by C libraries, too."""
    said: list[str] = []
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            said += file.read().decode().splitlines()


@pytest.mark.parametrize(
    "before", [b"\r\n", b"\0", jpeg.SOI, b"\xff" * 3, b"X-A: b\r\n\r\n", b"\n" * 4000]
)
def test_what_stands_before_the_picture_is_cut_off_and_counted(before: bytes) -> None:
    assert repair_jpeg(before + GOOD) == (GOOD, jpeg.read_header(GOOD), True)


def test_a_start_marker_between_the_segments_begins_the_picture_anew() -> None:
    second = make_jpeg(64, 48)
    header = jpeg.read_header(GOOD)
    found = repair_jpeg(GOOD[: header.frame_at] + second)
    assert found == (second, jpeg.read_header(second), True)


def test_more_than_a_few_kilobytes_before_it_are_no_picture() -> None:
    with pytest.raises(ValueError, match="does not begin with FF D8"):
        repair_jpeg(bytes(5000) + GOOD)


#: For each orientation: where the stored upper left, upper right, lower left and lower right are
#: seen (EXIF 2.3, figure 4), as indexes into the same four.
SEEN = {
    1: (0, 1, 2, 3),
    2: (1, 0, 3, 2),
    3: (3, 2, 1, 0),
    4: (2, 3, 0, 1),
    5: (0, 2, 1, 3),
    6: (1, 3, 0, 2),
    7: (3, 1, 2, 0),
    8: (2, 0, 3, 1),
}
CORNERS = [(40, 40, 200), (40, 200, 40), (200, 40, 40), (200, 200, 200)]


def four_corners(width: int = 320, height: int = 240) -> bytes:
    image = np.zeros((height, width, 3), np.uint8)
    half = height // 2, width // 2
    for index, colour in enumerate(CORNERS):
        down, across = divmod(index, 2)
        image[down * half[0] : (down + 1) * half[0], across * half[1] : (across + 1) * half[1]] = (
            colour
        )
    return cv2.imencode(".jpg", image)[1].tobytes()


def corners_of(image: np.ndarray) -> list[int]:
    """Which of the four colours is in each corner."""
    height, width = image.shape[:2]
    found = []
    for down in (0.25, 0.75):
        for across in (0.25, 0.75):
            pixel = image[int(height * down), int(width * across)].astype(int)
            found.append(int(np.argmin([abs(pixel - c).sum() for c in np.array(CORNERS)])))
    return found


@pytest.mark.parametrize("order", ["MM", "II"])
@pytest.mark.parametrize("orientation", SEEN)
@pytest.mark.parametrize("size", [(320, 240), (322, 242)])
@pytest.mark.parametrize("query", ["", "timestamp=1", "quality=70"])
def test_an_orientation_is_applied_once_and_header_and_bytes_agree(
    orientation: int, order: str, size: tuple[int, int], query: str
) -> None:
    picture = finish(with_orientation(four_corners(*size), orientation, order), query)
    data = bytes_of(picture)
    expected = size if orientation < 5 else size[::-1]
    assert (picture.width, picture.height) == expected
    header = jpeg.read_header(data)
    assert header.size == expected
    assert header.orientation == 1, "whoever shows it would turn it a second time"
    seen = [0, 0, 0, 0]
    for stored, place in enumerate(SEEN[orientation]):
        seen[place] = stored
    assert corners_of(decoded(data)) == seen
    frame = Frame(1, 1_000_000, picture.width, picture.height, data)
    assert frame.image.shape[1::-1] == expected


@pytest.mark.parametrize("timestamp", ["0", "1"])
@pytest.mark.parametrize("flip", ["", "h", "v"])
@pytest.mark.parametrize("rotate", ["", "90", "180", "270"])
@pytest.mark.parametrize("orientation", [1, 2, 5, 6, 7, 8])
def test_what_is_asked_for_is_done_to_the_upright_picture(
    orientation: int, rotate: str, flip: str, timestamp: str
) -> None:
    upright = bytes_of(finish(with_orientation(four_corners(), orientation)))
    query = f"rotate={rotate}&flip={flip}&timestamp={timestamp}"
    at_once = finish(with_orientation(four_corners(), orientation), query)
    after = finish(upright, query)
    assert (at_once.width, at_once.height) == (after.width, after.height)
    assert corners_of(decoded(bytes_of(at_once))) == corners_of(decoded(bytes_of(after)))


def test_an_orientation_costs_no_quality_where_the_size_is_in_whole_blocks() -> None:
    need_turbojpeg()
    picture = finish(with_orientation(GOOD, 6))
    assert (picture.turned, picture.encoded) == (True, False)


def test_the_frame_an_old_server_sends_is_seen_upright() -> None:
    image = Frame(1, 0, 320, 240, with_orientation(four_corners(), 6)).image
    assert corners_of(image) == [2, 0, 3, 1]


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0",
        b"Exif\0\0MM\0*\xff\xff\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff",
        b"http://x",
    ],
)
def test_a_broken_exif_is_no_orientation(exif: bytes) -> None:
    data = GOOD[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + GOOD[2:]
    assert bytes_of(finish(data)) is data


@pytest.mark.parametrize("value", [0, 9, 255, 65535])
def test_an_orientation_that_is_not_defined_is_none(value: int) -> None:
    data = with_orientation(GOOD, value)
    assert bytes_of(finish(data)) is data


@pytest.mark.parametrize("query", ["", "rotate=90", "flip=h", "timestamp=1"])
def test_padded_restarts_cost_nothing_and_nothing_is_said_of_them(query: str) -> None:
    encoder = JpegEncoder.from_spec(parse(f"webcam:0?{query}"))
    pictures = [with_padded_restarts(make_jpeg(seed=seed, restart=20)) for seed in range(5)]
    with stderr_of_the_process() as said:
        for data in pictures:
            made = finish(data, encoder=encoder)
            image = Frame(1, 0, made.width, made.height, bytes_of(made)).image
            assert image.shape[:2] == (made.height, made.width)
    assert said == []
    if query in ("rotate=90", "flip=h"):
        need_turbojpeg()
        assert encoder.turning == "without loss"


def test_padded_restarts_are_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import simplejpeg

    encoder = JpegEncoder(timestamp=True)
    finish(with_padded_restarts(make_jpeg(seed=0, restart=20)), encoder=encoder)
    decode, colours = simplejpeg.decode_jpeg, []

    def count(data: bytes, colorspace: str = "RGB", **options: object) -> object:
        colours.append(colorspace)
        return decode(data, colorspace, **options)

    monkeypatch.setattr(simplejpeg, "decode_jpeg", count)
    finish(with_padded_restarts(make_jpeg(seed=1, restart=20)), encoder=encoder)
    assert colours.count("BGR") == 1


def test_an_arithmetic_coded_picture_is_made_one_that_all_can_show() -> None:
    picture = finish(ARITHMETIC)
    data = bytes_of(picture)
    assert picture.encoded
    assert picture.note == (
        "it sends arithmetic-coded JPEGs, which hardly any browser or player shows:"
        " each is decoded and encoded again"
    )
    assert data[jpeg.read_header(data).frame_at + 1] == 0xC0
    assert decoded(data).shape == (24, 32, 3)
    assert abs(decoded(data).astype(int) - decoded(ARITHMETIC)).mean() < 4


def test_a_twelve_bit_picture_has_its_levels_in_eight_bits() -> None:
    picture = finish(twelve_bit())
    assert "12-bit" in picture.note
    image = decoded(bytes_of(picture))
    levels = [int(image[y, x, 0]) for y in (4, 12) for x in (4, 12)]
    assert levels == pytest.approx([0, 64, 128, 255], abs=2)


def test_a_lossless_picture_is_shown() -> None:
    picture = finish(lossless(320, 240))
    assert "lossless" in picture.note
    assert abs(decoded(bytes_of(picture)).astype(int) - texture(320, 240)).mean() < 6


@pytest.mark.parametrize(
    ("marker", "kind"), [(0xC5, "hierarchical"), (0xCB, "lossless arithmetic")]
)
def test_what_no_library_decodes_is_refused_and_named(marker: int, kind: str) -> None:
    with pytest.raises(ValueError, match=f"{kind}.*cannot be decoded here"):
        finish(with_frame_header(GOOD, {1: marker}))


@pytest.mark.parametrize("sampling", [0x33, 0x44, 0x43])
@pytest.mark.parametrize("query", ["", "timestamp=1", "rotate=90"])
def test_sampling_factors_that_no_decoder_takes_are_refused(sampling: int, query: str) -> None:
    with pytest.raises(ValueError, match="cannot be decoded"):
        finish(with_frame_header(GOOD, {11: sampling}), query)


@pytest.mark.parametrize("sampling", [0x00, 0x55, 0x10, 0x01, 0xFF])
def test_sampling_factors_that_do_not_exist_are_refused(sampling: int) -> None:
    with pytest.raises(ValueError, match="sampling factors"):
        finish(with_frame_header(GOOD, {11: sampling}))


def test_a_picture_of_one_pixel_is_a_picture() -> None:
    data = make_jpeg(1, 1)
    assert bytes_of(finish(data)) is data


@pytest.mark.parametrize("width", [10_000, 5_000])
def test_some_bytes_that_claim_to_be_megapixels_are_refused_before_any_decoder(width: int) -> None:
    claimed = with_size(make_jpeg(16, 16), width, 10_000)
    with pytest.raises(ValueError, match=f"bytes cannot be {width}x10000 pixels"):
        finish(claimed)


@pytest.mark.parametrize("shape", [(10_001, 10_000, 3), (1, 65_501, 3), (65_501, 1, 3)])
def test_images_have_the_limits_of_jpegs(shape: tuple[int, int, int]) -> None:
    image = np.broadcast_to(np.zeros(3, np.uint8), shape)
    with pytest.raises(ValueError, match=f"a picture of {shape[1]}x{shape[0]}"):
        JpegEncoder().finish(RawPicture(1.0, image=image))


@pytest.mark.parametrize("scheme", ["pattern", "webcam", "auto"])
@pytest.mark.parametrize("size", ["16384x16384", "10001x10000", "16384x6104"])
def test_more_pixels_than_a_picture_can_have_cannot_be_asked_for(scheme: str, size: str) -> None:
    with pytest.raises(BadArgument, match="it can have 100,000,000 pixels at most"):
        known_settings(parse(f"{scheme}:?size={size}"))
    known_settings(parse(f"{scheme}:?size=10000x10000"))


def test_a_picture_in_a_folder_with_too_many_pixels_is_left_out(tmp_path: Path) -> None:
    data = b"\x89PNG\r\n\x1a\n"
    for name, body in (
        (b"IHDR", struct.pack(">IIBBBBB", 12_000, 12_000, 8, 2, 0, 0, 0)),
        (b"IDAT", compress(b"")),
    ):
        data += struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc32(name + body))
    (tmp_path / "a.png").write_bytes(data)
    cv2.imwrite(str(tmp_path / "b.png"), texture(64, 48))
    source = FolderSource(tmp_path, fps=1000)
    source.open()
    with pytest.raises(ValueError, match="it can have 100,000,000"):
        source.read()
    grab = source.read()
    assert grab is not None and grab.image is not None
    assert grab.image.shape == (48, 64, 3)
