"""Broken pictures are repaired where that is possible, and never sent on where it is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakecam import encode_jpeg, moving_picture
from twistedcam.media import jpeg
from twistedcam.media.jpeg_repair import repair_jpeg

WHOLE = encode_jpeg(next(moving_picture(320, 240, 1)))
HEADER = jpeg.read_header(WHOLE)


def without_tables(data: bytes) -> bytes:
    """As many webcams give it: no DHT segment before the scan."""
    out, at = bytearray(data[:2]), 2
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if data[at + 1] != 0xC4:
            out += data[at:end]
        at = end
    return bytes(out + data[at:])


def pixels(data: bytes) -> bytes:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image.tobytes()


def test_a_whole_picture_goes_through_byte_for_byte() -> None:
    assert repair_jpeg(WHOLE, (320, 240)) == (WHOLE, HEADER, False)


def test_padding_behind_the_end_is_cut() -> None:
    assert repair_jpeg(WHOLE + bytes(4096)) == (WHOLE, HEADER, False)


def test_a_missing_end_marker_is_put_in() -> None:
    assert repair_jpeg(WHOLE[:-2]) == (WHOLE, HEADER, True)


def test_missing_huffman_tables_are_put_in_and_the_picture_is_the_same() -> None:
    found = repair_jpeg(without_tables(WHOLE))
    assert found.is_repaired
    assert jpeg.read_header(found.jpeg).has_huffman_tables
    assert pixels(found.jpeg) == pixels(WHOLE)


def test_both_can_be_missing() -> None:
    assert pixels(repair_jpeg(without_tables(WHOLE)[:-2]).jpeg) == pixels(WHOLE)


@pytest.mark.parametrize("missing", [3, 4, 12, 1000, len(WHOLE) // 2])
def test_a_truncated_picture_is_refused(missing: int) -> None:
    with pytest.raises(ValueError, match="incomplete"):
        repair_jpeg(WHOLE[:-missing])


def test_a_truncated_picture_with_a_whole_preview_is_refused() -> None:
    preview = b"\xff\xe1" + (len(WHOLE[:9000]) + 4).to_bytes(2) + WHOLE[:9000] + jpeg.EOI
    with pytest.raises(ValueError, match="incomplete"):
        repair_jpeg(WHOLE[:2] + preview + WHOLE[2 : len(WHOLE) // 2])


def test_a_picture_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="320x240 and not 640x480"):
        repair_jpeg(WHOLE, (640, 480))
    assert repair_jpeg(WHOLE, (320, 232)).jpeg == WHOLE  # a height rounded up to whole blocks


@given(st.binary(max_size=300))
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        repair_jpeg(data)


@given(st.integers(0, HEADER.scan_at), st.binary(min_size=1, max_size=40))
def test_garbage_in_the_headers_is_refused_or_passes_but_never_breaks(at: int, data: bytes) -> None:
    try:
        repair_jpeg(WHOLE[:at] + data + WHOLE[at + len(data) :])
    except ValueError as error:
        assert str(error)
