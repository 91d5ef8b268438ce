"""Acknowledgements are found in whatever way a viewer's bytes are cut up."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from twistedcam import wire
from twistedcam.delivery.workers.ack_filter import AckFilter

acks = st.integers(0, 2**64 - 1).map(lambda seq: wire.Ack(seq))
others = st.one_of(
    st.binary(min_size=8, max_size=8).map(lambda data: wire.Pong(data)),
    st.just(wire.Bye()),
    st.text(max_size=30).map(lambda text: wire.Error("code", text)),
)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(edges)]


@given(st.lists(st.one_of(acks, others)), st.lists(st.integers(0, 10_000)))
def test_acks_are_taken_out_and_all_else_is_passed_on(
    messages: list[wire.Message], cuts: list[int]
) -> None:
    splitter = AckFilter()
    found: list[int] = []
    passed = b""
    for piece in pieces(b"".join(message.encode() for message in messages), cuts):
        seq, rest = splitter.feed(piece)
        passed += rest
        if seq is not None:
            found.append(seq)
    wanted = [message.seq for message in messages if isinstance(message, wire.Ack)]
    assert found[-1:] == wanted[-1:]
    assert set(found) <= set(wanted)
    assert passed == b"".join(
        message.encode() for message in messages if not isinstance(message, wire.Ack)
    )


@given(st.binary(min_size=1), st.lists(st.integers(0, 10_000)))
def test_bytes_that_are_no_message_are_passed_on(data: bytes, cuts: list[int]) -> None:
    splitter = AckFilter()
    garbage = b"G" + data + wire.Ack(1).encode()
    assert b"".join(splitter.feed(piece)[1] for piece in pieces(garbage, cuts)) == garbage
