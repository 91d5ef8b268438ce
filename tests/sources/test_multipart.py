"""Parts come out whole, however a camera writes them and the net cuts them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakecam import encode_jpeg, moving_picture
from twistedcam.sources.multipart import MAX_BODY, MAX_HEAD, MultipartDecoder, Part, boundary_of

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
def test_the_boundary_may_be_written_in_all_usual_ways(
    said: str, sent: str, newline: bytes, lengths: bool
) -> None:
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


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (bytes(MAX_HEAD + 1), "there is no part"),
        (b"y\n" * MAX_HEAD, "there is no part"),
        (b"--x\r\n" + b"A: b\r\n" * MAX_HEAD, "headers of a part are too long"),
        (b"--x\r\nA: " + bytes(MAX_HEAD), "headers of a part are too long"),
        (b"--x\r\n\r\n\xff\xd8" + bytes(MAX_BODY + 20), "is too long"),
        (b"--x\r\nContent-Type: a\r\n\r\n" + bytes(MAX_BODY + 100), "is too long"),
        (b"--x\r\n\r\n\xff\xd8\xff\xd9" + b"a\n" * 10_001, "there is no part"),
        (b"--x\r\n\r\n\xff\xd8\xff\xd9" + bytes(MAX_BODY + 1), "there is no part"),
    ],
    ids=range(8),
)
def test_what_has_no_end_is_given_up(stream: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(stream, "x", 1 << 20)


def test_the_boundary_is_found_in_the_content_type() -> None:
    assert boundary_of("multipart/x-mixed-replace;boundary=frame") == "frame"
    assert boundary_of('Multipart/x-mixed-replace; a=b; Boundary="a b"') == '"a b"'
    assert boundary_of("multipart/x-mixed-replace") == ""
    assert boundary_of("multipart/x-mixed-replace; boundary = frame") == "frame"
    assert boundary_of("multipart/x-mixed-replace;boundary='a b'; x") == "'a b'"
    assert boundary_of("image/jpeg") is None


#: Pictures of 20 KB and more, as cameras give them.
NOISE = np.random.default_rng(7).integers(0, 255, (160, 240, 3), np.uint8)
LARGE = [encode_jpeg(picture + NOISE // 3) for picture in moving_picture(240, 160, 5)]
CUTS = (1 << 30, 1000, 4093)


def read(stream: bytes, boundary: str = "", step: int = 1 << 30) -> list[Part]:
    decoder, found = MultipartDecoder(boundary), []
    for at in range(0, len(stream), step):
        found += decoder.feed(stream[at : at + step])
    return found + list(decoder.finish())


def test_the_pictures_are_as_large_as_cameras_pictures() -> None:
    assert min(map(len, LARGE)) > 16 * 1024


Write = Callable[[bytes], bytes]


def with_length(off: int) -> Write:
    return lambda jpeg: b"--b0undary\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(jpeg) + off, jpeg)


WAYS: dict[str, Write] = {
    "no length": lambda jpeg: b"--b0undary\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg + b"\r\n",
    "right length": with_length(0),
    "counts the line end": with_length(2),
    "counts the line end and more": with_length(9),
    "a byte too few": with_length(-1),
    "a few too few": with_length(-7),
    "far too few": with_length(-15000),
    "far too many": with_length(200_000),
    "impossible": with_length(10**12),
    "negative": with_length(-(10**6)),
    "LF alone": lambda jpeg: b"--b0undary\nContent-length:%d\n\n%b\n" % (len(jpeg), jpeg),
    "LF alone, no length": lambda jpeg: b"--b0undary\nContent-type: image/jpeg\n\n%b\n" % jpeg,
    "the boundary behind": lambda jpeg: (
        b"Content-Type: image/jpeg\r\n\r\n%b\r\n--b0undary\r\n" % jpeg
    ),
    "the boundary behind, with length": lambda jpeg: (
        b"Content-Length: %d\r\n\r\n%b\r\n--b0undary\r\n" % (len(jpeg), jpeg)
    ),
    "no line end behind": lambda jpeg: b"--b0undary\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg,
    "a boundary of one letter": lambda jpeg: (
        b"--b\r\nContent-Type: image/jpeg\r\n\r\n%b\r\n" % jpeg
    ),
    "an empty boundary": lambda jpeg: b"--\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(jpeg), jpeg),
    "another one each time": lambda jpeg: (
        b"--n%d\r\nA: b\r\n\r\n%b\r\n" % (hash(jpeg) % 9999, jpeg)
    ),
    "headers alone": lambda jpeg: b"Content-Type: image/jpeg\r\n\r\n%b\r\n" % jpeg,
    "nothing but JPEGs": lambda jpeg: jpeg,
    "no headers": lambda jpeg: b"--b0undary\r\n\r\n%b\r\n" % jpeg,
    "no blank line": lambda jpeg: b"--b0undary\r\nContent-Type: image/jpeg\r\n%b\r\n" % jpeg,
    "two blank lines": lambda jpeg: (
        b"--b0undary\r\nContent-Length: %d\r\n\r\n\r\n%b\r\n" % (len(jpeg), jpeg)
    ),
    "a blank line before the headers": lambda jpeg: (
        b"--b0undary\r\n\r\nContent-Type: image/jpeg\r\n\r\n%b\r\n" % jpeg
    ),
    "an end each time": lambda jpeg: b"--b0undary\r\n\r\n%b\r\n--b0undary--\r\n" % jpeg,
    "a status line in the part": lambda jpeg: (
        b"--b0undary\r\nHTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n%b\r\n" % jpeg
    ),
    "padding behind": lambda jpeg: b"--b0undary\r\n\r\n%b%b--b0undary\r\n" % (jpeg, bytes(5000)),
    "bytes before": lambda jpeg: b"--b0undary\r\n\r\n\x01\x02\x03\x04%b\r\n" % jpeg,
    "an odd type": lambda jpeg: b"--b0undary\r\nContent-Type: text/plain\r\n\r\n%b\r\n" % jpeg,
    "spaces": lambda jpeg: (
        b"--b0undary \r\nContent-Length : %d \r\n \r\n%b\r\n" % (len(jpeg), jpeg)
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("boundary", ["", "b0undary", "--b0undary", "something else"])
def test_no_picture_is_lost_however_it_is_written(way: str, boundary: str) -> None:
    stream = b"".join(map(WAYS[way], LARGE))
    for step in CUTS:
        assert [part.body for part in read(stream, boundary, step)] == LARGE


@pytest.mark.parametrize("way", WAYS)
def test_a_picture_is_there_with_its_last_byte(way: str) -> None:
    decoder, late = MultipartDecoder("b0undary"), 0
    for number, jpeg in enumerate(LARGE):
        whole = WAYS[way](jpeg)
        found = list(decoder.feed(whole[: whole.index(jpeg) + len(jpeg)]))
        late += len(found) == 0
        found += decoder.feed(whole[whole.index(jpeg) + len(jpeg) :])
        if number < len(LARGE) - 1 and not found:
            late += 1
    assert late == 0


def test_a_picture_without_its_end_marker_ends_where_its_length_says() -> None:
    cut = [jpeg[:-2] for jpeg in LARGE]
    for newline in (b"\r\n", b""):
        stream = b"".join(
            b"--b0undary\r\nContent-Length: %d\r\n\r\n%b%b" % (len(jpeg), jpeg, newline)
            for jpeg in cut
        )
        for step in CUTS:
            found = [part.body for part in read(stream + b"--b0undary--\r\n", step=step)]
            assert found == cut
    decoder = MultipartDecoder()
    assert list(decoder.feed(stream[: stream.index(cut[1])])) != []
    assert [part.body for part in decoder.feed(cut[1])] == [cut[1]]  # its length was right before


def test_a_picture_without_end_marker_and_length_ends_at_the_boundary_or_the_next_one() -> None:
    cut = [jpeg[:-2] for jpeg in LARGE]
    behind = b"".join(b"--b0undary\r\n\r\n%b\r\n" % jpeg for jpeg in cut) + b"--b0undary--\r\n"
    for stream in (behind, b"".join(cut)):
        for step in CUTS:
            assert [part.body for part in read(stream, step=step)] == cut


def test_a_second_picture_behind_each_is_left_out() -> None:
    stream = b"".join(b"--b0undary\r\n\r\n%b%b\r\n" % (jpeg, LARGE[0][:9000]) for jpeg in LARGE)
    for step in CUTS:
        assert [part.body for part in read(stream, step=step)] == LARGE


def test_other_formats_and_texts_are_parts_too() -> None:
    png = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 80
    for length in (b"Content-Length: %d\r\n" % len(png), b"", b"Content-Length: 5\r\n"):
        stream = (
            b"--b0undary\r\nContent-Type: image/png\r\n%b\r\n%b\r\n"
            b"--b0undary\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
            b"--b0undary\r\n\r\n%b\r\n--b0undary--\r\n" % (length, png, LARGE[0])
        )
        for step in CUTS:
            assert [part.body for part in read(stream, step=step)] == [png, b"hello", LARGE[0]]


def test_what_is_broken_costs_no_other_picture() -> None:
    lies = b"\xff\xd8\xff\xe0\xff\xff" + b"no such segment"
    parts = [LARGE[0], LARGE[1][:9000], LARGE[2], lies, LARGE[3], b"", LARGE[4]]
    for write in (WAYS["no length"], WAYS["right length"]):
        stream = b"".join(map(write, parts)) + b"--b0undary--\r\n"
        for step in CUTS:
            bodies = [part.body for part in read(stream, step=step)]
            assert [body for body in bodies if body in LARGE] == [LARGE[n] for n in (0, 2, 3, 4)]


PIECES = st.sampled_from(
    [
        *(b"--x\r\n", b"--xyzzy\n", b"--xyzzy--\r\n", b"\r\n", b"\n", b"-", b"--"),
        *(b"Content-Length: 9\r\n", b"Content-Length: 4\r\n", b"A: b\r\n", b"text\r\n", b"\0" * 70),
        *(
            b"\xff\xd8\xff\xe0\0\4ab",
            b"\xff\xd8",
            b"\xff\xda\0\2abc",
            b"\xff\xd9",
            b"\xff",
            b"\x89PNG",
        ),
        b"\xff\xd8one\xff\xd9",
    ]
)


@settings(max_examples=400)
@given(st.lists(PIECES, max_size=24).map(b"".join), st.integers(1, 9))
def test_it_does_not_matter_how_the_bytes_are_cut(stream: bytes, step: int) -> None:
    assert read(stream, "x", step) == read(stream, "x")
