"""RTP packets that all viewers of a track share."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.support.nal_streams import encoded
from tests.support.rtsp_peer import picture
from twistedcam.errors import NotSupported
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import AUDIO, VIDEO, Track
from twistedcam.rtsp.rtcp import SenderReport, SourceDescription, ntp_of_unix_us, parse_rtcp
from twistedcam.rtsp.rtp import RtpPacket, parse_rtp
from twistedcam.rtsp.rtp_frame import rtp_frame
from twistedcam.servers.rtsp.rtp_stream import MAX_PAYLOAD, RtpStream, payload_format

H264 = Track(VIDEO, "video", "h264", 128, 96)
ULAW = Track(AUDIO, "audio", "pcm_mulaw", rate=Fraction(8000), channels=1)


def stream(track: Track = H264) -> RtpStream:
    return RtpStream(payload_format(track), "cam@test")


def packet(seq: int, pts: int, data: bytes = b"\0\0\0\1\x41slice", key: bool = False) -> Packet:
    return Packet(H264, seq, 1_000_000_000_000_000 + pts, pts, data, key)


def rtp(made: Packet) -> list[RtpPacket]:
    return [parse_rtp(each) for each in made.shared(rtp_frame).packets]


def test_a_picture_has_one_time_growing_numbers_and_a_marker_at_its_end() -> None:
    sender = stream()
    number = sender.sequence
    big = packet(1, 0, b"\0\0\0\1\x65" + bytes(range(1, 251)) * 20, key=True)
    sender.make(big)
    found = rtp(big)
    assert len(found) == 4
    assert [each.marker for each in found] == [False, False, False, True]
    assert [each.sequence for each in found] == [(number + at) & 0xFFFF for at in range(4)]
    assert {(each.timestamp, each.ssrc, each.payload_type) for each in found} == {
        (found[0].timestamp, sender.ssrc, 96)
    }
    assert max(len(each.payload) for each in found) == MAX_PAYLOAD
    later = packet(2, 40_000)
    sender.make(later)
    assert rtp(later)[0].timestamp == (found[0].timestamp + 3600) & 0xFFFFFFFF
    assert rtp(later)[0].sequence == (number + 4) & 0xFFFF


def test_times_never_go_back_and_b_frames_keep_theirs() -> None:
    sender = stream()
    times = []
    for pts, dts in [(0, 0), (120_000, 40_000), (40_000, 80_000), (80_000, 120_000)]:
        each = Packet(H264, 1, 0, pts, b"\0\0\0\1\x41x", False, dts)
        sender.make(each)
        times.append(rtp(each)[0].timestamp)
    assert [(each - times[0]) & 0xFFFFFFFF for each in times] == [0, 10800, 3600, 7200]
    back = packet(9, 50_000)  # the timeline has gone back
    sender.make(back)
    assert (rtp(back)[0].timestamp - times[0]) & 0xFFFFFFFF == 10800 + 90


def test_a_report_has_the_wall_clock_of_the_capture() -> None:
    sender = stream()
    first = packet(1, 0, key=True)
    sender.make(first)
    report, name = parse_rtcp(first.shared(rtp_frame).report)
    assert report == SenderReport(
        sender.ssrc, ntp_of_unix_us(first.time_us), rtp(first)[0].timestamp, 0, 0
    )
    assert name == SourceDescription(sender.ssrc, "cam@test")
    second = packet(2, 40_000)
    sender.make(second)
    assert second.shared(rtp_frame).report == b""
    sender.need_report()  # a viewer has come
    third = packet(3, 80_000)
    sender.make(third)
    [report, _] = parse_rtcp(third.shared(rtp_frame).report)
    assert isinstance(report, SenderReport)
    assert (report.packets, report.octets) == (2, 12)
    late = packet(4, 5_081_000)
    sender.make(late)
    assert late.shared(rtp_frame).report  # at the latest after five seconds


def test_sound_has_a_report_every_five_seconds() -> None:
    sender = stream(ULAW)
    pieces = [Packet(ULAW, number, 0, number * 20_000, bytes(160)) for number in range(600)]
    for each in pieces:
        sender.make(each)
    assert [each.seq for each in pieces if each.shared(rtp_frame).report] == [0, 250, 500]


def test_sound_that_is_cut_has_a_time_for_each_piece() -> None:
    sender = stream(ULAW)
    piece = Packet(ULAW, 1, 0, 0, bytes(3000))
    sender.make(piece)
    found = rtp(piece)
    assert [len(each.payload) for each in found] == [1400, 1400, 200]
    assert [(each.timestamp - found[0].timestamp) & 0xFFFFFFFF for each in found] == [0, 1400, 2800]
    assert {each.payload_type for each in found} == {0}


def test_a_jpeg_that_rtp_cannot_carry_is_refused() -> None:
    jpeg = picture()
    frame = Frame(1, 0, 64, 48, jpeg)
    stream(frame.track).make(frame)
    assert rtp(frame)[0].payload_type == 26
    progressive = jpeg.replace(b"\xff\xc0", b"\xff\xc2")
    with pytest.raises(NotSupported, match="baseline"):
        stream(frame.track).make(Frame(2, 0, 64, 48, progressive))


@pytest.mark.parametrize(
    ("codec", "name", "rate", "channels"),
    [("h264", "H264", 0, 0), ("hevc", "H265", 0, 0), ("mjpeg", "JPEG", 0, 0)],
)
def test_video_has_a_clock_of_90_khz(codec: str, name: str, rate: int, channels: int) -> None:
    sets = b"" if codec == "mjpeg" else encoded(codec, frames=1)[0]
    media = payload_format(Track(VIDEO, "video", codec, 64, 48, extradata=sets)).media
    assert (media.encoding, media.clock_rate, media.channels) == (name, 90_000, 1)


def test_sound_has_the_format_that_the_standards_say() -> None:
    def media(codec: str, rate: int, channels: int, extradata: bytes = b"") -> tuple[object, ...]:
        track = Track(AUDIO, "audio", codec, 0, 0, Fraction(rate), channels, extradata)
        found = payload_format(track).media
        return found.payload_type, found.encoding, found.clock_rate, found.channels

    assert media("opus", 48000, 1) == (97, "opus", 48_000, 2)
    assert media("aac", 44100, 2, b"\x12\x10") == (97, "MPEG4-GENERIC", 44_100, 2)
    assert media("pcm_alaw", 8000, 1) == (8, "PCMA", 8000, 1)
    assert media("pcm_mulaw", 16000, 2) == (97, "PCMU", 16_000, 2)
    with pytest.raises(NotSupported, match="flac"):
        media("flac", 48000, 2)
