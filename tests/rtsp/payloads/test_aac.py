"""AAC payloads: several access units in a packet, and one in several."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.rtsp.payloads.aac import MAX_AAC_UNIT, AacDepacketizer, packetize
from twistedcam.rtsp.payloads.unit import AccessUnit


def packet(*units: bytes) -> bytes:
    heads = b"".join((len(unit) << 3).to_bytes(2, "big") for unit in units)
    return (len(heads) * 8).to_bytes(2, "big") + heads + b"".join(units)


def fragments(unit: bytes, *cuts: int) -> list[bytes]:
    head = b"\0\x10" + (len(unit) << 3).to_bytes(2, "big")
    ends = (0, *cuts, len(unit))
    return [head + unit[a:b] for a, b in itertools.pairwise(ends)]


def test_each_unit_of_a_packet_has_its_time() -> None:
    found = AacDepacketizer().push(packet(b"one", b"two2", b"three"), 2**32 - 1024, True)
    assert found == (
        AccessUnit(2**32 - 1024, b"one"),
        AccessUnit(0, b"two2"),
        AccessUnit(1024, b"three"),
    )


def test_fragments_are_joined() -> None:
    depacketizer = AacDepacketizer()
    first, second, third = fragments(b"a long unit", 4, 9)
    assert depacketizer.push(first, 5, False) == ()
    assert depacketizer.push(second, 5, False) == ()
    assert depacketizer.push(third, 5, True) == (AccessUnit(5, b"a long unit"),)
    assert depacketizer.push(packet(b"next"), 6, True) == (AccessUnit(6, b"next"),)


def test_a_fragment_without_its_end_is_a_fault_and_what_follows_is_whole() -> None:
    depacketizer = AacDepacketizer()
    depacketizer.push(fragments(b"a long unit", 4)[0], 5, False)
    fault, unit = depacketizer.push(packet(b"next"), 6, True)
    assert (fault.timestamp, fault.fault) == (5, "a fragment of AAC has no end")
    assert unit == AccessUnit(6, b"next")
    depacketizer.push(fragments(b"a long unit", 4)[0], 7, False)
    depacketizer.lost()
    assert depacketizer.push(packet(b"next"), 8, True) == (AccessUnit(8, b"next"),)


def test_other_lengths_of_the_fields_are_those_of_the_description() -> None:
    depacketizer = AacDepacketizer(size_length=6, index_length=2, frame_samples=2048)
    found = depacketizer.push(b"\0\x10" + bytes((3 << 2, 2 << 2)) + b"onetw", 0, True)
    assert found == (AccessUnit(0, b"one"), AccessUnit(2048, b"tw"))
    with pytest.raises(ValueError, match="AAC with headers of 0"):
        AacDepacketizer(size_length=0)


@pytest.mark.parametrize("payload", [b"", b"\0", b"\0\x08\1", b"\0\x10\1", b"\xff\xff\0\0"])
def test_what_is_cut_is_a_fault(payload: bytes) -> None:
    (found,) = AacDepacketizer().push(payload, 1, True)
    assert "is cut" in found.fault


def test_of_a_cut_packet_the_whole_units_are_kept() -> None:
    first, second = AacDepacketizer().push(packet(b"one", b"two")[:-1], 0, True)
    assert first == AccessUnit(0, b"one")
    assert "is cut" in second.fault


@given(st.lists(st.tuples(st.binary(max_size=20), st.integers(0, 3)), max_size=20))
def test_payloads_of_any_kind_are_read(packets: list[tuple[bytes, int]]) -> None:
    depacketizer = AacDepacketizer()
    for payload, time in packets:
        for unit in depacketizer.push(payload, time, True):
            assert bool(unit.data) != bool(unit.fault)


@given(st.binary(min_size=1, max_size=5000), st.integers(32, 1400))
def test_packets_of_any_size_carry_the_unit_unchanged(unit: bytes, limit: int) -> None:
    packets = packetize(unit, limit)
    assert all(len(each) <= limit for each in packets)
    depacketizer = AacDepacketizer()
    found = [each for packet in packets for each in depacketizer.push(packet, 7, False)]
    assert found == [AccessUnit(7, unit)]


def test_a_unit_is_at_most_as_long_as_its_header_can_say() -> None:
    packetize(bytes(MAX_AAC_UNIT), 1400)
    with pytest.raises(ValueError, match="8192 bytes"):
        packetize(bytes(MAX_AAC_UNIT + 1), 1400)
