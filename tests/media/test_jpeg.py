"""The headers of JPEGs."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.media.test_frame import jpeg_of
from twistedcam.media import jpeg


def test_the_size_is_read_without_decoding() -> None:
    header = jpeg.read_header(jpeg_of(320, 200))
    assert header.size == (320, 200)
    assert header.has_huffman_tables


@pytest.mark.parametrize(("width", "height"), [(65535, 65535), (20_000, 5001)])
def test_a_kilobyte_that_claims_gigabytes_is_refused(width: int, height: int) -> None:
    made = jpeg_of(64, 48)
    at = made.index(b"\xff\xc0") + 5
    claimed = made[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + made[at + 4 :]
    with pytest.raises(ValueError, match=f"a picture of {width}x{height}: it can have 100,000,000"):
        jpeg.read_header(claimed)


@pytest.mark.parametrize("filler", [b"\xff", b"\xff\xfe\0\2"])
def test_megabytes_of_nothing_are_not_walked_through(filler: bytes) -> None:
    made = jpeg_of()
    with pytest.raises(ValueError, match="more segments than any picture"):
        jpeg.read_header(made[:2] + filler * 10_001 + made[2:])
    at = jpeg.read_header(made).scan_at
    with pytest.raises(ValueError, match="more segments than any picture"):
        jpeg.first_end(made[:at] + b"\xff\xfe\0\2" * 10_001 + made[at:], at)


def test_padding_behind_the_end_is_cut_off() -> None:
    whole = jpeg_of()
    assert jpeg.trim(whole + bytes(100)) == whole
    assert jpeg.trim(whole) is whole


@pytest.mark.parametrize("progressive", [0, 1])
def test_the_end_is_found_in_front_of_all_that_stands_behind_it(progressive: int) -> None:
    image = np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8)
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, progressive, cv2.IMWRITE_JPEG_RST_INTERVAL, 3]
    whole = cv2.imencode(".jpg", image, options)[1].tobytes()
    scan_at = jpeg.read_header(whole).scan_at
    second_scan = whole.find(b"\xff\xda", scan_at + 2)
    comment = b"\xff\xfe\0\4\xff\xd9"  # has the two bytes in it
    if second_scan > 0:
        whole = whole[:second_scan] + comment + whole[second_scan:]
    for behind in (b"", b"\0", whole, b"no picture \xff\xd9"):
        assert jpeg.first_end(whole + behind, scan_at) == len(whole) - 2
    assert jpeg.first_end(whole[:-2], scan_at) is None


@pytest.mark.parametrize("shift", range(-3, 4))
def test_markers_across_two_pieces_are_found(shift: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg, "_PIECE", 64)
    scan = b"\0" * (3 * 64 + shift)
    assert jpeg.first_end(scan + jpeg.EOI + b"\0" * 100 + jpeg.EOI, 0) == len(scan)
    padded = scan + jpeg.EOI + b"\0" * (2 * 64 + shift)
    assert jpeg.trim(padded) == scan + jpeg.EOI
    restarts = b"".join(b"\0" * (30 + shift) + each for each in jpeg.RESTARTS * 3)
    assert jpeg.count_restarts(b"\xff\xd0" + restarts, 2, 100) == 24
    assert 5 <= jpeg.count_restarts(restarts, 0, 5) < 24
    with pytest.raises(ValueError, match="incomplete"):
        jpeg.trim(scan + b"\0" * 200, 10)


@given(st.binary(max_size=100))
def test_garbage_in_a_picture_has_an_end_or_none(garbage: bytes) -> None:
    end = jpeg.first_end(garbage, 0)
    assert end is None or garbage[end : end + 2] == jpeg.EOI


def test_an_incomplete_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="incomplete"):
        jpeg.trim(jpeg_of()[:-2])


@given(st.data())
def test_a_cut_header_is_refused(data: st.DataObject) -> None:
    whole = jpeg_of()
    scan = jpeg.read_header(whole).scan_at
    with pytest.raises(ValueError):  # noqa: PT011
        jpeg.read_header(whole[: data.draw(st.integers(0, scan))])


@given(st.binary(max_size=300))
def test_garbage_gives_a_header_or_a_value_error_and_nothing_else(garbage: bytes) -> None:
    try:
        jpeg.read_header(b"\xff\xd8" + garbage)
    except ValueError as error:
        assert str(error)
