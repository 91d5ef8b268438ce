"""RTP packets: headers, order, losses."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.rtsp.rtp import Reception, ReorderBuffer, RtpPacket, Unwrapper, parse_rtp

_PACKETS = st.builds(
    RtpPacket,
    st.integers(0, 127),
    st.booleans(),
    st.integers(0, 2**16 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=50),
)


def packet(sequence: int) -> bytes:
    return RtpPacket(96, False, sequence & 0xFFFF, 0, 1, b"x").encode()


def number(data: bytes) -> int:
    return parse_rtp(data).sequence


@given(_PACKETS, st.binary(max_size=5), st.binary(max_size=5))
def test_a_packet_is_read_as_it_was_written(sent: RtpPacket, before: bytes, after: bytes) -> None:
    data = sent.encode()
    assert parse_rtp(before + data + after, len(before), len(before) + len(data)) == sent


@given(st.binary(max_size=40))
def test_bytes_of_any_kind_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        parse_rtp(data)


def test_padding_extensions_and_contributing_sources_are_no_payload() -> None:
    head = struct.pack("!BBHII", 0xB2, 0xE0, 7, 8, 9) + bytes(8) + b"\xbe\xde\0\1abcd"
    found = parse_rtp(head + b"payload\0\0\3")
    assert found == RtpPacket(96, True, 7, 8, 9, b"payload")


@pytest.mark.parametrize(
    "data",
    [b"", bytes(12), b"\x9f" + bytes(11), b"\x90" + bytes(13), b"\xa0" + bytes(11) + b"\x09"],
)
def test_what_is_cut_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"cut|not RTP"):
        parse_rtp(data)


def test_numbers_go_on_after_their_end() -> None:
    unwrapper = Unwrapper(16)
    found = [unwrapper.unwrap(each) for each in (65534, 65535, 0, 1, 65535, 2)]
    assert found == [65534, 65535, 65536, 65537, 65535, 65538]


def test_losses_are_counted() -> None:
    reception = Reception(90000)
    gaps = [reception.note(each) for each in (65534, 65535, 2, 1, 3, 3)]
    assert gaps == [0, 0, 2, -1, 0, -1]
    assert (reception.expected, reception.received, reception.lost) == (6, 6, 0)
    reception.note(13)
    assert reception.lost == 9
    assert reception.fraction_lost() == 9 * 256 // 16
    reception.note(14)
    assert reception.fraction_lost() == 0


def test_a_sender_that_begins_anew_has_lost_one() -> None:
    reception = Reception(90000)
    reception.note(5)
    assert reception.note(40000) == 1
    assert reception.lost == 0


def test_the_jitter_is_that_of_the_arrival() -> None:
    reception = Reception(1000)
    for each in range(200):
        reception.note_arrival(each * 40, each * 0.04 + (0.01 if each % 2 else 0))
    assert reception.jitter == pytest.approx(10, abs=0.5)


@given(st.permutations(range(8)))
def test_packets_come_in_their_order(order: list[int]) -> None:
    buffer = ReorderBuffer()
    found = [number(each) for each in buffer.push(packet(65533), 0)]
    for each in order:
        found += [number(one) for one in buffer.push(packet(65534 + each), 0.001)]
    assert found == [(65533 + each) & 0xFFFF for each in range(9)]
    assert not buffer.is_waiting


def test_a_missing_packet_is_waited_for_only_a_little() -> None:
    buffer = ReorderBuffer(most_packets=4, most_seconds=0.05)
    list(buffer.push(packet(1), 0))
    assert list(buffer.push(packet(3), 0.01)) == []
    assert buffer.is_waiting
    assert list(buffer.take(0.05)) == []
    assert [number(each) for each in buffer.take(0.07)] == [3]
    assert list(buffer.push(packet(2), 0.08)) == []  # too late
    for each in (5, 6, 7, 8):
        assert list(buffer.push(packet(each), 0.08)) == []
    assert [number(each) for each in buffer.push(packet(9), 0.08)] == [5, 6, 7, 8, 9]


def test_a_packet_that_a_whole_burst_has_overtaken_is_not_lost() -> None:
    buffer = ReorderBuffer()
    found = [number(each) for each in buffer.push(packet(1), 0)]
    for each in (*range(3, 400), 2, 400):
        found += [number(one) for one in buffer.push(packet(each), each * 1e-5)]
    assert found == list(range(1, 401))


def test_a_packet_that_waits_counts_from_its_first_arrival() -> None:
    buffer = ReorderBuffer(most_seconds=0.05)
    list(buffer.push(packet(1), 0))
    assert list(buffer.push(packet(3), 0.01)) == []
    assert list(buffer.push(packet(4), 0.03)) == []
    assert list(buffer.push(packet(3), 0.04)) == []
    assert [number(each) for each in buffer.take(0.061)] == [3, 4]


def test_a_sender_that_begins_anew_is_followed() -> None:
    buffer = ReorderBuffer()
    list(buffer.push(packet(1), 0))
    list(buffer.push(packet(3), 0))
    assert [number(each) for each in buffer.push(packet(40000), 0)] == [3, 40000]
    assert [number(each) for each in buffer.push(packet(40001), 0)] == [40001]
    assert list(buffer.push(b"short", 0)) == []
