"""What a JPEG says of itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_frame import jpeg_of
from twistedcam import jpeg


def test_the_size_is_read_without_decoding() -> None:
    header = jpeg.read_header(jpeg_of(320, 200))
    assert header.size == (320, 200)
    assert header.has_huffman_tables


def test_padding_behind_the_end_is_cut_off() -> None:
    whole = jpeg_of()
    assert jpeg.trim(whole + bytes(100)) == whole
    assert jpeg.trim(whole) is whole


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
