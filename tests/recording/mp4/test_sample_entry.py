"""Sample entries: equal ones decode the same way."""

from __future__ import annotations

import struct

import pytest

from twistedcam.recording.mp4.boxes import Box, UnreadableMovie, make_box
from twistedcam.recording.mp4.sample_entry import SampleEntry, read_entry


def stsd(*entries: bytes) -> tuple[bytes, Box]:
    body = struct.pack(">II", 0, len(entries)) + b"".join(entries)
    data = make_box(b"stsd", body)
    return data, Box(b"stsd", 0, 8, len(data))


def read(kind: str, *entries: bytes) -> SampleEntry:
    return read_entry(*stsd(*entries), kind)  # type: ignore[arg-type]


def video(config: bytes, rate: int) -> bytes:
    rates = make_box(b"btrt", struct.pack(">III", rate, rate, rate))
    return make_box(b"avc1", bytes(78), rates, make_box(b"avcC", config))


def sound(config: bytes, rate: int) -> bytes:
    decoder = b"\x04\x80\x80\x80\x14\x40\x15" + bytes(3) + struct.pack(">II", rate, rate)
    decoder += b"\x05\x80\x80\x80\x02" + config
    descriptor = b"\x03\x80\x80\x80\x25\0\1\0" + decoder
    return make_box(b"mp4a", bytes(28), make_box(b"esds", bytes(4) + descriptor))


@pytest.mark.parametrize(("kind", "make"), [("video", video), ("audio", sound)])
def test_bit_rates_make_no_difference_and_parameters_do(kind: str, make: object) -> None:
    first, second, other = (
        read(kind, make(config, rate))  # type: ignore[operator]
        for config, rate in ((b"ab", 100), (b"ab", 200), (b"xy", 100))
    )
    assert first.identity == second.identity != other.identity
    assert first.codec == {"video": "h264", "audio": "aac"}[kind]
    assert b"btrt" not in first.data
    assert int.from_bytes(first.data[:4], "big") == len(first.data)


def test_several_descriptions_of_a_track_are_refused() -> None:
    with pytest.raises(UnreadableMovie, match="2 descriptions"):
        read("video", video(b"a", 1), video(b"b", 1))
