"""Boxes of MP4 files, also broken ones."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.recording.mp4.boxes import (
    UnreadableMovie,
    box_at,
    boxes,
    find_box,
    make_box,
    make_full_box,
    need_box,
)

TREE = make_box(b"moov", make_box(b"mvhd", b"head"), make_box(b"trak", make_box(b"tkhd", b"!")))


def test_boxes_are_found_by_their_path() -> None:
    (moov,) = boxes(TREE, 0, len(TREE))
    tkhd = need_box(TREE, moov, b"trak", b"tkhd")
    assert TREE[tkhd.body : tkhd.end] == b"!"
    assert find_box(TREE, moov, b"trak", b"mdia", b"hdlr") is None
    with pytest.raises(UnreadableMovie, match="no box trak/mdia"):
        need_box(TREE, moov, b"trak", b"mdia")


def test_a_long_box_and_one_up_to_the_end_are_read() -> None:
    long = struct.pack(">I4sQ", 1, b"mdat", 20) + b"data"
    found = box_at(long[:16], 100, 20)
    assert found is not None and found == (b"mdat", 100, 116, 120)
    last = box_at(struct.pack(">I4s", 0, b"mdat"), 5, 50)
    assert last is not None and last.end == 55


@pytest.mark.parametrize("head", [b"", b"\0\0\0\7moov", b"\0\0\0\1moov", b"\0\0\1\0moov"])
def test_an_invalid_box_is_none(head: bytes) -> None:
    assert box_at(head, 0, 20) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_read_to_their_end(data: bytes) -> None:
    found = list(boxes(data, 0, len(data)))
    assert all(each.start < each.end <= len(data) for each in found)


def test_a_full_box_has_version_and_flags() -> None:
    assert make_full_box(b"tfhd", 1, 0x20000, b"x") == b"\0\0\0\rtfhd\1\2\0\0x"
