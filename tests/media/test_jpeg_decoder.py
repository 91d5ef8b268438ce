"""Decoders of usual and unusual JPEGs, and what is damage."""

from __future__ import annotations

import pytest

from tests.support.odd_jpegs import lossless, make_jpeg, with_frame_header
from twistedcam.media.jpeg_decoder import (
    Damaged,
    check_jpeg,
    decode_jpeg,
    decode_upright,
    message_kind,
)

GOOD = make_jpeg(64, 48)
#: The second half is missing, but an end marker follows.
TORN = GOOD[: len(GOOD) // 2] + b"\xff\xd9"


@pytest.mark.parametrize(
    "data", [GOOD, with_frame_header(GOOD, {11: 0x13}), lossless(64, 48)], ids=str
)
def test_usual_and_unusual_pictures_are_decoded(data: bytes) -> None:
    assert decode_jpeg(data).shape == (48, 64, 3)
    assert decode_upright(data).shape == (48, 64, 3)


def test_a_torn_picture_is_damaged_where_that_is_asked() -> None:
    assert decode_jpeg(TORN).shape == (48, 64, 3)
    with pytest.raises(Damaged, match="incomplete"):
        decode_jpeg(TORN, strict=True)
    with pytest.raises(Damaged, match="incomplete"):
        check_jpeg(TORN)
    assert not check_jpeg(GOOD)


@pytest.mark.parametrize("data", [GOOD[:100], with_frame_header(GOOD, {9: 0})], ids=str)
def test_what_no_decoder_can_read_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"JPEG|no decoder"):
        decode_jpeg(data)


def test_messages_of_libjpeg_are_told_apart() -> None:
    kinds = {
        "Corrupt JPEG data: premature end of data segment": "damage",
        "Corrupt JPEG data: 2 extraneous bytes before marker 0xd0": "warning",
        "Unsupported marker type 0x13": "error",
    }
    assert {message: message_kind(message) for message in kinds} == kinds
