"""Foreign text cannot steer a terminal."""

from __future__ import annotations

import pytest

from twistedcam.util.one_line import on_one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("front door", "front door"),
        ("Küche حديقة", "Küche حديقة"),
        ("a\x1b[31mb", "a [31mb"),
        ("a\r\nb\tc", "a  b c"),
        ("a\u202eb\u2028c", "a b c"),
        ("", ""),
    ],
)
def test_what_is_not_printable_is_a_space(text: str, shown: str) -> None:
    assert on_one_line(text) == shown
