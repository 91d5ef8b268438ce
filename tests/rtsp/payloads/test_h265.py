"""H.265 payloads: single units, aggregates, fragments, with and without order numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rtsp.payloads.test_unit import annexb
from twistedcam.rtsp.payloads.h265 import H265Depacketizer, packetize
from twistedcam.rtsp.payloads.unit import AccessUnit


def unit(kind: int, data: bytes) -> bytes:
    return bytes((kind << 1, 1)) + data


VPS, SPS, PPS = unit(32, b"\x0c\1\xff"), unit(33, b"\1\1\x60"), unit(34, b"\xc1\x72")
AUD, SEI = unit(35, b"\x50"), unit(39, b"\1\1\1")
IDR, IDR_2 = unit(19, b"\xafkey frame"), unit(19, b"\x2fsecond")
SLICE, SLICE_2 = unit(1, b"\xd0slices"), unit(1, b"\x50second")


def fragments(nal: bytes, don: bytes = b"") -> list[bytes]:
    """Three packets of a unit."""
    kind, body = nal[0] >> 1, nal[2:]
    size = -(-len(body) // 3)
    head = bytes((49 << 1, 1))
    ends = (0x80, 0, 0x40)
    return [
        head + bytes((end | kind,)) + don + body[number * size : (number + 1) * size]
        for number, end in enumerate(ends)
    ]


def test_units_of_all_kinds_are_a_picture() -> None:
    depacketizer = H265Depacketizer()
    sets = bytes((48 << 1, 1)) + b"".join(
        len(nal).to_bytes(2, "big") + nal for nal in (VPS, SPS, PPS)
    )
    assert depacketizer.push(sets, 1, False) == ()
    for piece in fragments(IDR):
        assert depacketizer.push(piece, 1, False) == ()
    found = depacketizer.push(IDR_2, 1, True)
    assert found == (AccessUnit(1, annexb(VPS, SPS, PPS, IDR, IDR_2), True),)
    assert depacketizer.push(SLICE, 2, True) == (AccessUnit(2, annexb(SLICE), False),)


def test_parameter_sets_of_the_description_are_before_a_key_frame() -> None:
    depacketizer = H265Depacketizer((VPS, SPS, PPS))
    assert depacketizer.is_complete
    (found,) = [each for nal in (AUD, SEI, IDR) for each in depacketizer.push(nal, 1, nal is IDR)]
    assert found.data == annexb(AUD, VPS, SPS, PPS, SEI, IDR)


def test_order_numbers_are_left_out() -> None:
    depacketizer = H265Depacketizer((VPS, SPS, PPS), has_don=True)
    for piece in fragments(IDR, b"\0\1"):
        depacketizer.push(piece, 1, False)
    depacketizer.push(IDR_2[:2] + b"\0\2" + IDR_2[2:], 1, False)
    both = bytes((48 << 1, 1)) + b"\0\3" + len(SEI).to_bytes(2, "big") + SEI
    both += b"\0" + len(SEI).to_bytes(2, "big") + SEI
    (found,) = depacketizer.push(both, 1, True)
    assert found.data == annexb(VPS, SPS, PPS, IDR, IDR_2, SEI, SEI)


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        (b"\x62", "packet is cut"),
        (b"\x62\1\x93", "fragment is cut"),
        (fragments(IDR)[1], "no beginning"),
        (b"\x60\1\0\x09abc", "aggregated packet is cut"),
        (b"\x64\1\0\0", "unknown type 50"),
    ],
)
def test_what_is_broken_is_a_fault(payload: bytes, fault: str) -> None:
    (found,) = H265Depacketizer().push(payload, 1, True)
    assert fault in found.fault


@pytest.mark.parametrize("has_don", [False, True])
def test_a_gap_before_a_beginning_is_no_fault_of_it(has_don: bool) -> None:
    number = b"\0\1" if has_don else b""
    for nal, begins in ((SLICE, True), (SLICE_2, False)):
        single = nal[:2] + number + nal[2:]
        length = len(nal).to_bytes(2, "big")
        for payload in (single, b"\x60\1" + number + length + nal, fragments(nal, number)[0]):
            depacketizer = H265Depacketizer(has_don=has_don)
            depacketizer.push(single, 1, True)
            depacketizer.lost()
            depacketizer.push(payload, 2, False)
            found = depacketizer.push(single, 3, False)
            assert (found[-1].fault != "packets were lost") == begins


@given(
    st.lists(st.tuples(st.binary(max_size=30), st.integers(0, 3), st.booleans()), max_size=20),
    st.booleans(),
)
def test_payloads_of_any_kind_are_read(
    packets: list[tuple[bytes, int, bool]], has_don: bool
) -> None:
    depacketizer = H265Depacketizer(has_don=has_don)
    for payload, time, marker in packets:
        for each in depacketizer.push(payload, time, marker):
            assert bool(each.data) != bool(each.fault)


@given(st.lists(st.binary(max_size=300), max_size=6), st.integers(32, 1400))
def test_packets_of_any_size_carry_the_units_unchanged(bodies: list[bytes], limit: int) -> None:
    # A unit has no start code in it, and does not end in a zero.
    units = [SLICE[:3] + body.replace(b"\0", b"\1") for body in bodies] or [SLICE]
    packets = packetize(annexb(*units), limit)
    assert all(len(each) <= limit for each in packets)
    depacketizer = H265Depacketizer()
    for each in packets[:-1]:
        assert depacketizer.push(each, 1, False) == ()
    assert depacketizer.push(packets[-1], 1, True) == (AccessUnit(1, annexb(*units), False),)
