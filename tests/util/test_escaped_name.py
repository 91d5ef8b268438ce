"""Any file name has a text of its own, which is UTF-8, and leads back to it."""

from __future__ import annotations

import json
import os
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twistedcam.util.escaped_name import file_name, show_name

NAMES = st.lists(
    st.sampled_from([*(bytes([byte]) for byte in b"%25Ee9a0A\n\xe9\xc3\xa9\xff")]),
    min_size=1,
    max_size=12,
).map(b"".join)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"caf\xe9.mp4", "caf%E9.mp4"),
        ("café.mp4".encode(), "café.mp4"),
        (b"\xff\xfe", "%FF%FE"),
        (b"caf%E9.mp4", "caf%25E9.mp4"),
        (b"caf%25E9.mp4", "caf%2525E9.mp4"),
        (b"100%.mp4", "100%.mp4"),
        (b"50%25.mp4", "50%25.mp4"),
        (b"caf%C3%A9.mp4", "caf%C3%A9.mp4"),
        (b"two\nlines.mp4", "two%0Alines.mp4"),
        (b"two%0Alines.mp4", "two%250Alines.mp4"),
        (b"\x1b[31m\t\x7f.mp4", "%1B[31m%09%7F.mp4"),
        ("\x85\u2028.mp4".encode(), "%C2%85%E2%80%A8.mp4"),
        ("\u202egpj.mp4".encode(), "\u202egpj.mp4"),
        (b"\xed\xa0\x80.mp4", "%ED%A0%80.mp4"),
    ],
)
def test_what_no_line_can_have_is_escaped_and_the_rest_is_not(name: bytes, shown: str) -> None:
    assert show_name(os.fsdecode(name)) == shown
    assert os.fsencode(file_name(shown)) == name


@given(NAMES | st.binary(min_size=1, max_size=40).filter(lambda name: b"/" not in name))
@example(b"%%\xe9")
@example(b"%41\xe9")
def test_each_name_is_found_again_by_what_is_shown(name: bytes) -> None:
    real = os.fsdecode(name)
    shown = show_name(real)
    assert file_name(shown) == real
    assert json.loads(json.dumps(shown).encode()) == shown
    assert unquote(quote(shown, safe=""), errors="strict") == shown


@given(NAMES, NAMES)
def test_no_two_names_are_shown_alike(one: bytes, two: bytes) -> None:
    shown = [show_name(os.fsdecode(name)) for name in (one, two)]
    assert (shown[0] == shown[1]) == (one == two)


@pytest.mark.parametrize("text", ["a%2Fb", "a%2fb%E9", "%2E%2E%2F%E9", "a%00%E9", "%", "%E", "%e9"])
def test_no_other_text_stands_for_a_name_but_itself(text: str) -> None:
    assert file_name(text) == text


def test_a_long_text_takes_no_time() -> None:
    text = "%" + "25" * 100_000
    assert file_name(text) == text
