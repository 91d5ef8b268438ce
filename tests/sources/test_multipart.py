"""Parts come out whole, however a camera writes them and the net cuts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.sources.multipart import MAX_HEAD, MultipartDecoder, boundary_of

BODIES = [
    b"\xff\xd8one\xff\xd9",
    b"\xff\xd8two\r\nlines\xff\xd9",
    b"\xff\xd8" + bytes(500) + b"\xff\xd9",
]


def stream(mark: str, newline: bytes, *, lengths: bool) -> bytes:
    out = b"a preamble" + newline
    for body in BODIES:
        out += mark.encode() + newline + b"Content-Type: image/jpeg" + newline
        if lengths:
            out += b"Content-Length: %d" % len(body) + newline
        out += newline + body + newline
    return out + mark.encode() + newline


@pytest.mark.parametrize("lengths", [True, False])
@pytest.mark.parametrize("newline", [b"\r\n", b"\n"])
@pytest.mark.parametrize(
    ("said", "sent"), [("frame", "--frame"), ("--frame", "--frame"), ('"a b"', "--a b")]
)
def test_all_ways_to_write_it(said: str, sent: str, newline: bytes, lengths: bool) -> None:
    decoder = MultipartDecoder(said)
    parts = list(decoder.feed(stream(sent, newline, lengths=lengths)))
    assert [part.body for part in parts] == BODIES
    assert parts[0].headers["content-type"] == "image/jpeg"


@given(st.lists(st.integers(1, 60), min_size=1), st.booleans())
def test_however_the_net_cuts_it(cuts: list[int], lengths: bool) -> None:
    data, at, found = stream("--x", b"\r\n", lengths=lengths), 0, []
    decoder = MultipartDecoder("x")
    while at < len(data):
        for cut in cuts:
            found += [part.body for part in decoder.feed(data[at : at + cut])]
            at += cut
    assert found == BODIES


@given(st.binary(max_size=400))
def test_garbage_gives_nothing_and_breaks_nothing(data: bytes) -> None:
    for part in MultipartDecoder("frame").feed(data):
        assert isinstance(part.body, bytes)


def test_what_has_no_end_is_given_up() -> None:
    with pytest.raises(ValueError, match="no part begins"):
        list(MultipartDecoder("x").feed(bytes(MAX_HEAD + 1)))
    with pytest.raises(ValueError, match="too long"):
        list(MultipartDecoder("x").feed(b"--x\r\nContent-Length: 99999999999\r\n\r\n"))


def test_the_boundary_is_found_in_the_content_type() -> None:
    assert boundary_of("multipart/x-mixed-replace;boundary=frame") == "frame"
    assert boundary_of('Multipart/x-mixed-replace; a=b; Boundary="a b"') == '"a b"'
    assert boundary_of("multipart/x-mixed-replace") == ""
    assert boundary_of("image/jpeg") is None
