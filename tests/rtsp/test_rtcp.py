"""RTCP packets, and NTP times to the microsecond."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.rtsp.rtcp import (
    ReceiverReport,
    ReportBlock,
    RtcpBye,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    ntp_of_unix_us,
    parse_rtcp,
    unix_us_of_ntp,
)

_U32 = st.integers(0, 2**32 - 1)
_BLOCKS = st.lists(
    st.builds(
        ReportBlock,
        *(_U32, st.integers(0, 255), st.integers(-(2**23), 2**23 - 1)),
        *(_U32, _U32, _U32, _U32),
    ),
    max_size=3,
).map(tuple)
_PACKETS = st.one_of(
    st.builds(SenderReport, _U32, st.integers(0, 2**64 - 1), _U32, _U32, _U32, _BLOCKS),
    st.builds(ReceiverReport, _U32, _BLOCKS),
    st.builds(SourceDescription, _U32, st.text("abc@.", max_size=20)),
    st.builds(
        RtcpBye, st.lists(_U32, min_size=1, max_size=3).map(tuple), st.text("abc", max_size=9)
    ),
)


@given(st.lists(_PACKETS, max_size=4))
def test_compound_packets_are_read_as_they_were_written(packets: list[RtcpPacket]) -> None:
    assert list(parse_rtcp(b"".join(each.encode() for each in packets))) == packets


@given(st.binary(max_size=80))
def test_bytes_of_any_kind_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        list(parse_rtcp(data))


@given(st.integers(0, 4_000_000_000_000_000))
def test_times_are_exact_to_the_microsecond(time_us: int) -> None:
    assert unix_us_of_ntp(ntp_of_unix_us(time_us)) == time_us


def test_the_ntp_time_of_a_known_moment() -> None:
    # 2026-01-01 00:00:00.5 UTC
    assert ntp_of_unix_us(1_767_225_600_500_000) == 3_976_214_400 << 32 | 1 << 31


def test_the_era_after_2036_begins_at_0() -> None:
    assert unix_us_of_ntp(ntp_of_unix_us(2_200_000_000_000_000)) == 2_200_000_000_000_000


def test_other_types_are_left_out_and_padding_too() -> None:
    unknown = b"\x80\xcc\0\1abcd"
    padded = bytearray(ReceiverReport(5).encode() + b"\0\0\0\4")
    padded[0] |= 0x20
    padded[3] += 1
    assert list(parse_rtcp(unknown + bytes(padded))) == [ReceiverReport(5)]


@pytest.mark.parametrize("data", [b"\x80", b"\0\xc8\0\0", b"\x80\xc8\0\6abcd", b"\x80\xc8\0\1abcd"])
def test_what_is_cut_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="cut"):
        list(parse_rtcp(data))
