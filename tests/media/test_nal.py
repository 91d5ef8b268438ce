"""NAL units keep their bytes in every form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.nal_streams import exp_golomb, from_bits
from twistedcam.media import nal
from twistedcam.media.h264 import H264
from twistedcam.media.h265 import H265

#: Payloads without what emulation prevention excludes, and without zeros at the end.
UNITS = st.lists(
    st.builds(
        lambda head, rest: bytes([head]) + rest.replace(b"\0\0", b"\0\x03").rstrip(b"\0"),
        st.integers(1, 255),
        st.binary(max_size=60),
    ),
    max_size=8,
)
CODES = st.sampled_from([b"\0\0\1", b"\0\0\0\1", b"\0\0\0\0\0\1"])


@given(UNITS, st.data())
def test_units_are_split_whatever_their_start_codes(
    units: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(data.draw(CODES) + unit for unit in units) + b"\0\0"
    assert nal.split_units(stream) == units
    assert [stream[at] for at in nal.unit_offsets(stream)] == [unit[0] for unit in units]


@given(UNITS)
def test_annex_b_and_length_prefixes_are_converted_into_each_other(units: list[bytes]) -> None:
    stream = nal.join_units(units)
    assert nal.split_length_prefixed(nal.to_length_prefixed(stream), 4) == units
    assert nal.split_units(stream) == units


def test_a_sample_has_all_bytes_but_the_start_codes() -> None:
    data = b"\0\0\1\x67ab\0\0\0\1\x68c\0\0\0\0\1\x65\0\0\3\1d\0"
    units = nal.split_length_prefixed(H264.to_sample(data))
    assert units == [b"\x67ab", b"\x68c\0", b"\x65\0\0\3\1d\0"]
    assert H264.to_sample(b"no start code") == H264.to_sample(b"\0\0\1") == b""


def test_a_sample_of_h265_has_no_parameter_sets() -> None:
    units = [bytes([kind << 1, 1, 7]) for kind in (35, 32, 33, 34, 39, 19)]
    found = nal.split_length_prefixed(H265.to_sample(nal.join_units(units)))
    assert [unit[0] >> 1 for unit in found] == [35, 39, 19]


@pytest.mark.parametrize("size", [1, 2, 4])
def test_lengths_of_each_size_are_read(size: int) -> None:
    data = b"".join(len(unit).to_bytes(size, "big") + unit for unit in (b"ab", b"", b"c"))
    assert nal.split_length_prefixed(data, size) == [b"ab", b"c"]


@pytest.mark.parametrize("data", [b"\0\0\0\5abcd", b"\0\0\0\1a\0\0", b"\xff\xff\xff\xff"])
def test_a_length_that_exceeds_the_data_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="ends at byte"):
        nal.split_length_prefixed(data, 4)


@given(st.binary(max_size=100))
def test_any_bytes_can_be_split(data: bytes) -> None:
    units = nal.split_units(data)
    assert all(units)
    assert nal.split_units(nal.join_units(units)) == units


@given(st.lists(st.tuples(st.booleans(), st.integers(-(2**30), 2**30)), max_size=20))
def test_exp_golomb_numbers_are_read(numbers: list[tuple[bool, int]]) -> None:
    bits = ""
    for is_signed, number in numbers:
        code = (2 * number - 1 if number > 0 else -2 * number) if is_signed else abs(number)
        bits += exp_golomb(code)
    reader = nal.BitReader(from_bits(b"\x67", bits), 1)
    for is_signed, number in numbers:
        assert (reader.signed() if is_signed else reader.unsigned()) == (
            number if is_signed else abs(number)
        )


def test_reading_behind_the_end_is_an_error() -> None:
    reader = nal.BitReader(b"\x67\x00", 1)
    with pytest.raises(ValueError, match="truncated"):
        reader.unsigned()
    with pytest.raises(ValueError, match="too large"):
        nal.BitReader(b"\x67" + b"\0\0\3" * 3 + b"\xff", 1).unsigned()
