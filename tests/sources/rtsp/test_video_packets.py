"""Video: from a key frame on, with a track for each set of parameters."""

from __future__ import annotations

import itertools
from fractions import Fraction

from tests.support.rtsp_camera import B_PPS, B_SPS, IDR, LARGE_SPS, PPS, SLICE, SPS, annexb
from twistedcam.media.track import Track
from twistedcam.rtsp.payloads.h264 import H264Depacketizer
from twistedcam.sources.base import RawPacket, RawPicture
from twistedcam.sources.rtsp.video_packets import VideoPackets


class Stream:
    """Access units, and what becomes of them."""

    def __init__(self, *sets: bytes, frame_rate: float = 0.0) -> None:
        self.depacketizer = H264Depacketizer(sets)
        self.raws: list[RawPacket] = []
        self.corrupt: list[str] = []
        self.video = VideoPackets(self.depacketizer, frame_rate, self._take, self.corrupt.append)
        self._number = 0

    def send(self, *nals: bytes, shown: float | None = None) -> None:
        self._number += 1
        for nal in nals:
            for unit in self.depacketizer.push(nal, self._number, nal is nals[-1]):
                self.video.take(unit, self._number / 25 if shown is None else shown / 25)

    def _take(self, raw: RawPacket | RawPicture) -> None:
        assert isinstance(raw, RawPacket)
        self.raws.append(raw)


def test_packets_begin_with_a_key_frame_that_has_its_parameter_sets() -> None:
    stream = Stream(SPS, PPS)
    stream.send(SLICE)
    stream.send(IDR)
    stream.send(SLICE)
    first, second = stream.raws
    track = Track(0, "video", "h264", 320, 240, Fraction(25), extradata=annexb(SPS, PPS))
    assert first == RawPacket(track, 2 / 25, annexb(SPS, PPS, IDR), True, 0)
    assert second == RawPacket(track, 3 / 25, annexb(SLICE), False, 0)
    assert first.track is second.track
    assert stream.corrupt == []
    assert stream.video.track() == track


def test_parameter_sets_in_the_stream_are_enough_and_a_change_is_another_track() -> None:
    stream = Stream()
    assert stream.video.track() is None
    stream.send(IDR)
    stream.send(SPS, PPS, IDR)
    stream.send(SLICE)
    stream.send(SPS, PPS, IDR)
    stream.send(LARGE_SPS, PPS, IDR)
    stream.send(SLICE)
    assert stream.corrupt == ["a key frame came without parameter sets"]
    tracks = [each.track for each in stream.raws]
    assert tracks[0] is tracks[1]
    assert tracks[0] is tracks[2]
    assert tracks[3] is tracks[4]
    assert [(each.width, each.height) for each in tracks[2:4]] == [(320, 240), (640, 480)]


def test_a_loss_costs_the_pictures_up_to_the_next_key_frame_and_is_counted_once() -> None:
    stream = Stream(SPS, PPS)
    stream.send(IDR)
    stream.depacketizer.lost()
    stream.send(b"\x41\x20rest")
    stream.send(SLICE)
    stream.send(IDR)
    assert [each.is_keyframe for each in stream.raws] == [True, True]
    assert stream.corrupt == ["packets were lost"]


def test_b_frames_have_times_of_decoding_before_those_of_presentation() -> None:
    stream = Stream(B_SPS, B_PPS)
    for number, shown in enumerate([0, 3, 1, 2, 6, 4, 5]):
        stream.send(IDR if number == 0 else SLICE, shown=shown)
    reorder = stream.video.reorder
    assert reorder > 0
    decoded = [each.time - each.reorder_us / 1e6 for each in stream.raws]
    assert len(decoded) == 7
    assert all(b > a for a, b in itertools.pairwise(decoded))
    assert all(each.reorder_us >= 0 for each in stream.raws)
    assert stream.corrupt == []


def test_b_frames_that_no_parameter_set_announces_are_learned() -> None:
    stream = Stream(SPS, PPS)
    order = [0, 2, 1, 4, 3]
    for _ in range(2):
        for number, shown in enumerate(order):
            base = 100 * _
            stream.send(IDR if number == 0 else SLICE, shown=base + shown)
    assert stream.corrupt == ["pictures are not in the order in which they are shown"]
    assert len(stream.raws) == 2 + 5
    decoded = [each.time - each.reorder_us / 1e6 for each in stream.raws]
    assert all(b > a for a, b in itertools.pairwise(decoded))


def test_parameter_sets_that_cannot_be_read_are_a_fault() -> None:
    stream = Stream(b"\x67\x42", PPS)
    stream.send(IDR)
    assert len(stream.corrupt) == 1
    assert "cannot be decoded" in stream.corrupt[0]
    assert stream.video.track() is None
    stream.send(SPS, PPS, IDR)
    assert len(stream.raws) == 1


def test_the_rate_of_the_description_is_used_where_the_stream_has_none() -> None:
    sps = SPS[:9] + bytes.fromhex("80")  # without VUI
    for said, rate in ((12.5, Fraction(25, 2)), (0.0, None), (5000.0, None)):
        stream = Stream(sps, PPS, frame_rate=said)
        track = stream.video.track()
        if track is not None:
            assert track.rate == rate


def test_a_key_frame_after_a_gap_is_decoded_shortly_before_it_is_shown() -> None:
    stream = Stream(B_SPS, B_PPS)
    for place, nal in ((0, IDR), (2, SLICE), (1, SLICE), (100, IDR), (102, SLICE), (101, SLICE)):
        stream.send(nal, shown=place)
    assert stream.raws[3].is_keyframe
    assert 0 < stream.raws[3].reorder_us <= 200_000
    assert stream.corrupt == []
