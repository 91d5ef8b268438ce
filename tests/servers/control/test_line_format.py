"""Lines of the control protocol, their limits, and values without control characters."""

from __future__ import annotations

import shlex
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.errors import BadArgument, LineTooLong
from twistedcam.servers.control import line_format as lines
from twistedcam.servers.control.line_format import MAX_LINE, LineReader, show, split

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(st.lists(st.tuples(st.binary(max_size=30), ENDS)), st.lists(st.integers(0, 400)))
def test_lines_do_not_depend_on_how_bytes_are_split(
    parts: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    data = b"".join(line + end for line, end in parts)
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    reader, found = LineReader(), []
    for start, end in pairwise(places):
        found += reader.feed(data[start:end])
    assert found == data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:-1]


def test_a_line_of_maximum_length_is_accepted() -> None:
    line = b"x" * MAX_LINE
    assert list(LineReader().feed(line + b"\r\n")) == [line]


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_that_is_too_long_is_refused_after_the_lines_before_it(end: bytes) -> None:
    found = LineReader().feed(b"ping\n" + b"x" * (MAX_LINE + 1) + end)
    assert next(found) == b"ping"
    with pytest.raises(LineTooLong, match="4096"):
        next(found)


def test_a_line_without_end_is_refused_as_soon_as_it_is_too_long() -> None:
    reader = LineReader()
    for _ in range(MAX_LINE):
        assert list(reader.feed(b"x")) == []
    with pytest.raises(LineTooLong):
        list(reader.feed(b"x"))


@given(st.lists(TEXT.filter(lambda word: not set(word) & set("\0"))))
def test_quoted_words_are_split_again(words: list[str]) -> None:
    assert split(shlex.join(words).encode()) == words


@given(st.binary(max_size=100))
def test_any_bytes_give_words_or_one_clear_error(line: bytes) -> None:
    try:
        words = split(line)
    except BadArgument as error:
        assert str(error)
    else:
        assert all(isinstance(word, str) for word in words)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (b"start 'cam", "quote is not closed"),
        (b"start cam\\", "backslash"),
        (b"start \xff", "UTF-8"),
        (b"start \0", "NUL"),
    ],
)
def test_an_error_describes_what_is_wrong_with_a_line(line: bytes, hint: str) -> None:
    with pytest.raises(BadArgument, match=hint):
        split(line)


@given(TEXT)
def test_a_value_has_no_line_ends_or_control_characters(text: str) -> None:
    assert show(text).isprintable()


def test_values_are_shown_as_text() -> None:
    assert [show(each) for each in (None, True, False, 1.5, ["ä"], "a\nb")] == [
        "none",
        "yes",
        "no",
        "1.5",
        '["ä"]',
        "a b",
    ]
    assert lines.error_as_text(BadArgument("no\nway")) == "ERR bad-argument no way\n"


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\n")))
def test_words_are_split_as_by_a_shell(text: str) -> None:
    try:
        words = shlex.split(text)
    except ValueError:
        return
    assert lines.split(text.encode()) == words
