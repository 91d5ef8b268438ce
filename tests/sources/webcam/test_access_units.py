"""Packets from the buffers of a webcam that encodes."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.fakecam import encode_h264, moving_picture
from twistedcam.media.h264 import H264
from twistedcam.media.h265 import H265
from twistedcam.media.nal import NalCodec, join_units, split_units
from twistedcam.sources.webcam.access_units import AccessUnitReader

UNITS = encode_h264(moving_picture(64, 48, 6), 3)
SMALLER = encode_h264(moving_picture(32, 32, 2), 1)
SETS = H264.parameter_sets(UNITS[0])


def without_sets(unit: bytes) -> bytes:
    kept = [each for each in split_units(unit) if H264.unit_type(each) not in H264.set_types]
    return join_units(kept)


@pytest.mark.parametrize(("codec", "name"), [(H264, "libx264"), (H265, "libx265")])
def test_each_access_unit_is_a_packet_of_the_same_track(codec: NalCodec, name: str) -> None:
    reader = AccessUnitReader(codec, 29.97)
    units = encode_h264(moving_picture(64, 48, 6), 3, name)
    packets = [reader.read(unit, 10.0 + index) for index, unit in enumerate(units)]
    first = packets[0]
    assert first is not None
    assert (first.track.codec, first.track.width, first.track.height) == (codec.name, 64, 48)
    assert first.track.rate == Fraction(2997, 100)
    assert first.track.extradata == codec.parameter_sets(units[0])
    assert first.time == 10.0
    for index, (packet, unit) in enumerate(zip(packets, units, strict=True)):
        assert packet is not None
        assert packet.track is first.track
        assert packet.is_keyframe == (index in (0, 3))
        assert split_units(packet.data) == split_units(unit)
        assert packet.data.count(b"\0\0\0\1") == packet.data.count(b"\0\0\1")


def test_what_comes_before_the_first_key_frame_is_left_out() -> None:
    reader = AccessUnitReader(H264, 0)
    assert [reader.read(unit, 0) for unit in UNITS[1:3]] == [None, None]
    packet = reader.read(UNITS[3], 0)
    assert packet is not None
    assert packet.track.rate is None


def test_parameter_sets_that_came_once_are_put_before_each_key_frame() -> None:
    reader = AccessUnitReader(H264, 30)
    assert reader.read(SETS, 0) is None  # a buffer of their own
    for unit in (UNITS[0], UNITS[3]):
        packet = reader.read(without_sets(unit), 0)
        assert packet is not None
        assert split_units(packet.data)[:2] == split_units(SETS)
        assert H264.parameter_sets(packet.data) == SETS


def test_a_key_frame_without_parameter_sets_is_refused() -> None:
    with pytest.raises(ValueError, match="without parameter sets"):
        AccessUnitReader(H264, 30).read(without_sets(UNITS[0]), 0)


def test_after_a_loss_the_next_key_frame_is_waited_for() -> None:
    reader = AccessUnitReader(H264, 30)
    assert reader.read(UNITS[0], 0) is not None
    reader.lose()
    found = [reader.read(unit, 0) for unit in UNITS[1:]]
    assert [packet is not None for packet in found] == [False, False, True, True, True]


def test_other_parameter_sets_begin_another_track() -> None:
    reader = AccessUnitReader(H264, 30)
    before, after = reader.read(UNITS[0], 0), reader.read(SMALLER[0], 0)
    assert before is not None
    assert after is not None
    assert (before.track.width, after.track.width) == (64, 32)
    assert after.track != before.track


@pytest.mark.parametrize("data", [b"", b"no start code", b"\0\0\0\1", bytes(100)])
def test_what_is_no_access_unit_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="without a unit of video"):
        AccessUnitReader(H264, 30).read(data, 0)
