"""Pictures joined of NAL units: by time and marker, with what was lost, in one order."""

from __future__ import annotations

from twistedcam.rtsp.payloads.h264 import H264Depacketizer
from twistedcam.rtsp.payloads.unit import AccessUnit

SPS, PPS, SEI, AUD = b"\x67\x42\xc0\x1f\x80", b"\x68\x80\x01", b"\x06\x05\x01", b"\x09\xf0"
IDR, IDR_2 = b"\x65\x88first", b"\x65\x20second"
SLICE, SLICE_2 = b"\x41\x9afirst", b"\x41\x20second"
LOST = "packets were lost"


def annexb(*nals: bytes) -> bytes:
    return b"".join(b"\0\0\0\1" + nal for nal in nals)


def pushed(depacketizer: H264Depacketizer, time: int, *nals: bytes) -> list[AccessUnit]:
    """A picture of single NAL units, whose last one has the marker."""
    found: list[AccessUnit] = []
    for number, nal in enumerate(nals):
        found += depacketizer.push(nal, time, number == len(nals) - 1)
    return found


def test_a_picture_ends_with_its_marker_or_with_the_next_one() -> None:
    depacketizer = H264Depacketizer()
    assert depacketizer.push(SLICE, 1, False) == ()
    first, second = depacketizer.push(SLICE, 2, True)
    assert first == AccessUnit(1, annexb(SLICE), False)
    assert second == AccessUnit(2, annexb(SLICE), False)
    assert pushed(depacketizer, 3, SLICE, SLICE_2) == [AccessUnit(3, annexb(SLICE, SLICE_2), False)]


def test_a_key_frame_begins_with_the_parameter_sets() -> None:
    depacketizer = H264Depacketizer((SPS, PPS))
    assert depacketizer.is_complete
    assert pushed(depacketizer, 1, AUD, SEI, IDR) == [
        AccessUnit(1, annexb(AUD, SPS, PPS, SEI, IDR), True)
    ]


def test_parameter_sets_before_each_slice_are_there_once() -> None:
    depacketizer = H264Depacketizer()
    assert not depacketizer.is_complete
    found = pushed(depacketizer, 1, SPS, PPS, IDR, SPS, PPS, IDR_2)
    assert found == [AccessUnit(1, annexb(SPS, PPS, IDR, IDR_2), True)]
    assert depacketizer.extradata == annexb(SPS, PPS)


def test_new_parameter_sets_replace_those_of_the_same_number() -> None:
    depacketizer = H264Depacketizer((SPS, PPS))
    before = depacketizer.extradata
    assert pushed(depacketizer, 1, IDR)
    assert depacketizer.extradata is before
    new, second = SPS[:3] + b"\x28\x80", b"\x68\x40\x01"
    (unit,) = pushed(depacketizer, 2, new, second, IDR)
    assert unit.data == annexb(new, PPS, second, IDR)
    assert depacketizer.extradata == annexb(new, PPS, second)


def test_parameter_sets_alone_are_no_picture() -> None:
    depacketizer = H264Depacketizer()
    assert pushed(depacketizer, 1, SPS, PPS, SEI) == []
    assert pushed(depacketizer, 1, IDR)[0].data == annexb(SPS, PPS, IDR)


def test_a_picture_with_a_gap_is_a_fault_and_the_next_one_is_whole() -> None:
    depacketizer = H264Depacketizer()
    depacketizer.push(SLICE, 1, False)
    depacketizer.lost()
    assert depacketizer.push(SLICE_2, 1, True) == (AccessUnit(1, b"", False, LOST),)
    assert pushed(depacketizer, 2, SLICE)[0].fault == ""


def test_a_gap_between_two_pictures_is_a_fault_of_those_that_may_lack_something() -> None:
    depacketizer = H264Depacketizer()
    pushed(depacketizer, 1, SLICE)
    depacketizer.lost()  # the beginning of the next one
    assert [each.fault for each in pushed(depacketizer, 2, SLICE_2)] == [LOST]
    depacketizer.push(SLICE, 3, False)
    depacketizer.lost()  # its end
    found = pushed(depacketizer, 4, SLICE)
    assert [(each.timestamp, each.fault) for each in found] == [(3, LOST), (4, "")]
    depacketizer.lost()  # a whole picture
    found = pushed(depacketizer, 6, SPS, IDR)
    assert [(each.timestamp, each.fault) for each in found] == [(4, LOST), (6, "")]


def test_a_marker_within_pictures_is_ignored_from_then_on() -> None:
    depacketizer = H264Depacketizer()
    assert len(depacketizer.push(SLICE, 1, True)) == 1
    assert depacketizer.push(SLICE_2, 1, True) == ()
    (fault,) = depacketizer.push(SLICE, 2, True)
    assert "marks an end" in fault.fault
    assert depacketizer.push(SLICE_2, 2, True) == ()
    (unit,) = depacketizer.push(SLICE, 3, True)
    assert unit == AccessUnit(2, annexb(SLICE, SLICE_2), False)


def test_a_picture_without_an_end_is_a_fault_and_takes_no_more_memory() -> None:
    depacketizer = H264Depacketizer()
    piece = b"\x41" + bytes(60_000)
    for _ in range((32 << 20) // 60_000 + 200):
        depacketizer.push(piece, 1, False)
    assert sum(map(len, depacketizer._nals)) < 33 << 20
    (fault,) = depacketizer.push(SLICE, 2, False)
    assert "larger than 32 MiB" in fault.fault
