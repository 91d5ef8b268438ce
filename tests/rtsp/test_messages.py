"""RTSP messages: whole in pieces of any size, limits, and what is no RTSP."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.rtsp import messages as m
from twistedcam.rtsp.messages import (
    BadRtsp,
    Bounds,
    InterleavedFrame,
    RtspDecoder,
    RtspHeaders,
    RtspMessage,
    RtspRequest,
    RtspResponse,
    RtspTooLarge,
)

_WORDS = st.text(st.characters(codec="ascii", exclude_categories=("Cc", "Zs")), max_size=20)
_NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True).filter(
    lambda name: name.lower() != "content-length"
)
_HEADERS = st.lists(st.tuples(_NAMES, _WORDS), max_size=5).map(RtspHeaders)
_BODIES = st.binary(max_size=300)
_MESSAGES = st.one_of(
    st.builds(
        RtspRequest,
        st.sampled_from(["OPTIONS", "DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER", "TEARDOWN"]),
        st.sampled_from(["*", "rtsp://h/cam", "rtsps://h:322/a/b?c=d"]),
        _HEADERS,
        _BODIES,
        st.sampled_from(["RTSP/1.0", "RTSP/2.0"]),
    ),
    st.builds(RtspResponse, st.sampled_from([200, 401, 454]), _HEADERS, _BODIES, st.just("It is")),
    st.builds(InterleavedFrame, st.integers(0, 255), _BODIES),
)


def without_length(message: RtspMessage) -> RtspMessage:
    """A message as it was before it was encoded."""
    if isinstance(message, InterleavedFrame):
        return message
    fields = [each for each in message.headers.fields if each[0] != "Content-Length"]
    return replace(message, headers=RtspHeaders(fields))


def decoded(data: bytes) -> list[RtspMessage]:
    return list(RtspDecoder().feed(data))


@given(st.lists(_MESSAGES, max_size=6), st.lists(st.integers(1, 200), min_size=1))
def test_messages_are_the_same_in_pieces_of_any_size(
    messages: list[RtspMessage], sizes: list[int]
) -> None:
    data = b"".join(message.encode() for message in messages)
    decoder, found, at, number = RtspDecoder(), list[RtspMessage](), 0, 0
    while at < len(data):
        size = sizes[number % len(sizes)]
        found += decoder.feed(data[at : at + size])
        at, number = at + size, number + 1
    assert [without_length(each) for each in found] == messages
    assert decoder.skipped == 0


@given(st.lists(st.binary(max_size=100), max_size=20))
def test_bytes_of_any_kind_are_read_or_refused(pieces: list[bytes]) -> None:
    decoder = RtspDecoder()
    for piece in pieces:
        try:
            list(decoder.feed(piece))
        except BadRtsp:
            return


def test_frames_of_a_channel_are_given_together_and_without_a_copy() -> None:
    found: list[tuple[int, list[bytes]]] = []

    def take(channel: int, data: bytes, bounds: Bounds) -> None:
        found.append((channel, [data[start:end] for start, end in bounds]))

    decoder = RtspDecoder(take)
    frames = [(0, b"abc"), (0, b"$"), (3, b""), (0, b"def"), None, (0, b"ghi"), (0, b"cut")]
    parts = [
        RtspResponse(200).encode() if each is None else InterleavedFrame(*each).encode()
        for each in frames
    ]
    data = b"".join(parts)
    assert [type(each) for each in decoder.feed(data[:-1])] == [RtspResponse]
    assert found == [(0, [b"abc", b"$"]), (3, [b""]), (0, [b"def"]), (0, [b"ghi"])]
    assert list(decoder.feed(data[-1:])) == []
    assert found[-1] == (0, [b"cut"])


def test_headers_are_found_whatever_their_case_is_and_may_be_folded() -> None:
    (message,) = decoded(
        b"\r\nRTSP/1.0 401 Unauthorized\r\ncSeq: 7\r\nWWW-Authenticate: Basic\r\n"
        b"www-authenticate: Digest a=1,\r\n  b=2\r\nno field\r\n\r\n"
    )
    assert isinstance(message, RtspResponse)
    assert (message.status, message.reason, message.cseq) == (401, "Unauthorized", 7)
    assert message.headers.get_all("WWW-Authenticate") == ["Basic", "Digest a=1, b=2"]
    assert "cseq" in message.headers
    assert "session" not in message.headers


def test_lines_may_end_in_line_feeds_alone() -> None:
    (message,) = decoded(b"DESCRIBE rtsp://h/ RTSP/1.0\nCSeq: 1\nContent-Length: 2\n\nab")
    assert message == RtspRequest(
        "DESCRIBE",
        "rtsp://h/",
        RtspHeaders([("CSeq", "1"), ("Content-Length", "2")]),
        b"ab",
    )


@pytest.mark.parametrize("cseq", ["", "x", "-1", "1" * 30, "١"])
def test_a_wrong_sequence_number_is_none(cseq: str) -> None:
    assert RtspResponse(200, RtspHeaders([("CSeq", cseq)])).cseq is None


def test_what_is_no_message_is_skipped_up_to_the_next_one() -> None:
    decoder = RtspDecoder()
    rtp = InterleavedFrame(2, b"\x80\x60" + bytes(20))
    found = list(decoder.feed(b"\x17lost bytes $\xffab" + rtp.encode()))
    found += decoder.feed(b"more" + RtspResponse(200).encode())
    assert [type(each) for each in found] == [InterleavedFrame, RtspResponse]
    assert found[0] == rtp
    assert decoder.skipped == 20


def test_a_peer_that_never_speaks_rtsp_is_refused() -> None:
    decoder = RtspDecoder()
    list(decoder.feed(bytes(m.MAX_GARBAGE)))
    with pytest.raises(BadRtsp, match="does not speak RTSP"):
        list(decoder.feed(bytes(m.MAX_GARBAGE)))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"OPTIONS * RTSP/1.0\r\nContent-Length: 99999999\r\n\r\n", "a body of 99999999 bytes"),
        (b"OPTIONS * RTSP/1.0\r\nContent-Length: -1\r\n\r\n", "Content-Length is '-1'"),
        (b"OPTIONS * RTSP/1.0\r\n" + b"a: b\r\n" * 101 + b"\r\n", "more than 100 header fields"),
        (b"OPTIONS * RTSP/1.0\r\na: " + b"b" * 9000 + b"\r\n\r\n", "longer than 8192 bytes"),
        (b"OPTIONS * RTSP/1.0\r\n" + b"a: bcdefgh\r\n" * 9000, "head of a message is longer"),
    ],
)
def test_what_is_too_long_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(BadRtsp, match=reason):
        decoded(data)
    assert issubclass(RtspTooLarge, BadRtsp)


def test_a_long_body_is_refused_before_it_comes() -> None:
    decoder = RtspDecoder(max_body=100)
    with pytest.raises(RtspTooLarge, match="the limit is 100"):
        list(decoder.feed(b"ANNOUNCE * RTSP/1.0\r\nContent-Length: 101\r\n\r\n"))


def test_a_line_end_in_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match="line end"):
        RtspRequest("OPTIONS", "*", RtspHeaders([("User-Agent", "a\r\nb")])).encode()
