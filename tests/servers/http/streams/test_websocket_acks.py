"""Acknowledgements among the frames of a WebSocket, in pieces of any size."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.servers.http.streams.websocket_acks import AckFrames

FIN, MASKED = 0x80, 0x80
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9


def frame(opcode: int, payload: bytes, mask: bytes = b"\1\2\3\4", first: int = FIN) -> bytes:
    """A frame of a client (RFC 6455, 5.2)."""
    size = len(payload)
    head = bytes([size | MASKED]) if size < 126 else bytes([126 | MASKED]) + size.to_bytes(2, "big")
    body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return bytes([first | opcode]) + head + mask + body


def ack(seq: int, mask: bytes = b"\xff\x00\x80\x7f") -> bytes:
    return frame(TEXT, json.dumps({"ack": seq}).encode(), mask)


OTHERS = (
    frame(PING, b""),
    frame(PING, b"x" * 125),
    frame(BINARY, b'{"ack": 1}'),
    frame(TEXT, b'{"ack": -1}'),
    frame(TEXT, b'{"ack": 01}'),
    frame(TEXT, b'{"ack": true}'),
    frame(TEXT, b'{"ack": 1, "more": 2}'),
    frame(TEXT, b'{"ack": 1000000000000000000}'),
    frame(TEXT, b""),
    frame(CLOSE, b"\3\xe8"),
)
#: Frames behind which all are passed on.
LAST = (
    frame(TEXT, b'{"ack": 1}', first=0),
    frame(0, b"1}"),
    frame(TEXT, b'{"ack": 1}', first=FIN | 0x40),
    b"\x81\x0a" + b'{"ack": 1}',
    frame(TEXT, b'{"ack": 1}' + b" " * 116),
)


@given(
    st.lists(st.one_of(st.sampled_from(OTHERS), st.integers(0, 10**18 - 1)), max_size=8),
    st.one_of(st.none(), st.sampled_from(LAST)),
    st.lists(st.integers(1, 30), min_size=1, max_size=40),
)
def test_acknowledgements_are_found_and_all_else_is_passed_on_unchanged(
    frames: list[bytes | int], last: bytes | None, sizes: list[int]
) -> None:
    sent = b"".join(ack(each) if isinstance(each, int) else each for each in frames)
    others = b"".join(each for each in frames if isinstance(each, bytes))
    if last is not None:
        sent, others = sent + last + ack(5), others + last + ack(5)
    seqs, passed, acks, at = [], b"", AckFrames(), 0
    while at < len(sent):
        size = sizes[0]
        sizes = [*sizes[1:], size]
        seq, rest = acks.feed(sent[at : at + size])
        at, passed = at + size, passed + rest
        if seq is not None:
            seqs.append(seq)
    assert passed == others
    wanted = [each for each in frames if isinstance(each, int)]
    assert seqs[-1:] == wanted[-1:]
    assert set(seqs) <= set(wanted)


@pytest.mark.parametrize("text", ['{"ack":7}', '{"ack": 7}', ' { "ack" : 7 } ', '{\n"ack": 7}'])
def test_the_text_may_have_spaces(text: str) -> None:
    assert AckFrames().feed(frame(TEXT, text.encode())) == (7, b"")


def test_the_newest_of_several_is_returned() -> None:
    assert AckFrames().feed(ack(1) + frame(PING, b"x") + ack(2)) == (2, frame(PING, b"x"))
