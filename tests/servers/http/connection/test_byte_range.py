"""Tests of the plainest form of a ``Range``."""

from __future__ import annotations

import pytest

from twistedcam.servers.http.connection.byte_range import normalize_range


@pytest.mark.parametrize(
    ("header", "size", "plain"),
    [
        ("bytes=-5", 0, "bytes=-0"),
        ("bytes=-5", 3, "bytes=-3"),
        ("BYTES= 1-2 ", 9, "bytes=1-2"),
        ("bytes=4-", 9, "bytes=4-"),
        ("bytes=4-3", 9, None),
        ("bytes=-", 9, None),
        ("bytes=0-1,3-4", 9, None),
        ("lines=0-1", 9, None),
    ],
)
def test_a_range_has_one_plain_form(header: str, size: int, plain: str | None) -> None:
    assert normalize_range(header, size) == plain
