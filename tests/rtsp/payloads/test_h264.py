"""H.264 payloads: single units, aggregates, fragments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rtsp.payloads.test_unit import IDR, PPS, SLICE, SLICE_2, SPS, annexb
from twistedcam.rtsp.payloads.h264 import H264Depacketizer, packetize
from twistedcam.rtsp.payloads.unit import AccessUnit


def fragments(nal: bytes, count: int) -> list[bytes]:
    """FU-A packets of a unit."""
    size = -(-(len(nal) - 1) // count)
    pieces = [nal[at : at + size] for at in range(1, len(nal), size)]
    found = []
    for number, piece in enumerate(pieces):
        ends = (0x80 if number == 0 else 0) | (0x40 if number == len(pieces) - 1 else 0)
        found.append(bytes([(nal[0] & 0xE0) | 28, ends | (nal[0] & 0x1F)]) + piece)
    return found


def aggregate(*nals: bytes) -> bytes:
    return b"\x78" + b"".join(len(nal).to_bytes(2, "big") + nal for nal in nals)


def test_aggregates_and_fragments_are_the_units_that_were_sent() -> None:
    depacketizer = H264Depacketizer()
    idr = IDR + bytes(range(200))
    assert depacketizer.push(aggregate(SPS, PPS), 1, False) == ()
    *first, last = fragments(idr, 5)
    for each in first:
        assert depacketizer.push(each, 1, False) == ()
    assert depacketizer.push(last, 1, True) == (AccessUnit(1, annexb(SPS, PPS, idr), True),)


@pytest.mark.parametrize(
    ("payloads", "fault"),
    [
        (fragments(SLICE, 3)[1:], "no beginning"),
        (fragments(SLICE, 3)[:2], "no end"),
        ([*fragments(SLICE, 3)[:2], *fragments(SLICE, 3)], "no end"),
        ([b"\x78\0\x09abc"], "aggregated packet is cut"),
        ([b"\x78\0\0abc"], "aggregated packet is cut"),
        ([b"\x5f\0\0"], "unknown type 31"),
        ([b"\x5c\x81"], "fragment is cut"),
    ],
)
def test_what_is_broken_is_a_fault_of_its_picture_alone(payloads: list[bytes], fault: str) -> None:
    depacketizer = H264Depacketizer()
    for each in payloads:
        depacketizer.push(each, 1, False)
    found = [*depacketizer.push(SLICE, 2, True)]
    assert fault in found[0].fault
    assert found[1] == AccessUnit(2, annexb(SLICE), False)


def test_fu_b_and_stap_b_have_a_number_that_is_left_out() -> None:
    depacketizer = H264Depacketizer()
    stap_b = b"\x79\0\1" + aggregate(SPS, PPS)[1:]
    depacketizer.push(stap_b, 1, False)
    start, *rest = fragments(IDR, 2)
    depacketizer.push(b"\x7d" + start[1:2] + b"\0\2" + start[2:], 1, False)
    assert depacketizer.push(rest[0], 1, True)[0].data == annexb(SPS, PPS, IDR)


@pytest.mark.parametrize(
    ("payload", "begins"),
    [
        (SLICE, True),
        (SLICE_2, False),
        (SPS, True),
        (aggregate(SPS, PPS), True),
        (aggregate(SLICE_2), False),
        (fragments(SLICE, 2)[0], True),
        (fragments(SLICE, 2)[1], False),
        (fragments(SLICE_2, 2)[0], False),
        (b"\x41", False),
    ],
)
def test_the_beginning_of_a_picture_is_known(payload: bytes, begins: bool) -> None:
    depacketizer = H264Depacketizer()
    depacketizer.push(SLICE, 1, True)
    depacketizer.lost()
    found = [*depacketizer.push(payload, 2, False), *depacketizer.push(SLICE, 3, False)]
    (about_2,) = [each for each in found if each.timestamp == 2] or [AccessUnit(2, b"")]
    assert ("packets were lost" not in about_2.fault) == begins


@given(st.lists(st.tuples(st.binary(max_size=30), st.integers(0, 3), st.booleans()), max_size=20))
def test_payloads_of_any_kind_are_read(packets: list[tuple[bytes, int, bool]]) -> None:
    depacketizer = H264Depacketizer()
    for payload, time, marker in packets:
        for unit in depacketizer.push(payload, time, marker):
            assert bool(unit.data) != bool(unit.fault)


def test_parameter_sets_share_a_packet_and_a_large_unit_is_cut() -> None:
    idr = IDR + bytes(range(1, 251)) * 10
    first, *pieces = packetize(annexb(SPS, PPS, idr), 1000)
    assert (
        first
        == aggregate(SPS, PPS)[:1].replace(b"\x78", bytes([first[0]])) + aggregate(SPS, PPS)[1:]
    )
    assert first[0] & 0x1F == 24 and first[0] & 0x60 == max(SPS[0] & 0x60, PPS[0] & 0x60)
    assert [len(each) for each in pieces] == [1000, 1000, len(idr) - 1 - 2 * 998 + 2]
    assert [each[1] >> 6 for each in pieces] == [2, 0, 1]  # start, middle, end
    assert b"".join(each[2:] for each in pieces) == idr[1:]


@given(st.lists(st.binary(max_size=300), max_size=6), st.integers(32, 1400))
def test_packets_of_any_size_carry_the_units_unchanged(bodies: list[bytes], limit: int) -> None:
    # A unit has no start code in it, and does not end in a zero.
    units = [SLICE[:1] + body.replace(b"\0", b"\1") for body in bodies] or [SLICE[:1]]
    packets = packetize(annexb(*units), limit)
    assert all(len(each) <= limit for each in packets)
    depacketizer = H264Depacketizer()
    for each in packets[:-1]:
        assert depacketizer.push(each, 1, False) == ()
    assert depacketizer.push(packets[-1], 1, True) == (AccessUnit(1, annexb(*units), False),)
