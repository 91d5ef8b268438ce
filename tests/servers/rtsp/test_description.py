"""Descriptions of streams."""

from __future__ import annotations

from fractions import Fraction

import pytest

from twistedcam.errors import NotSupported
from twistedcam.media.track import AUDIO, VIDEO, Track
from twistedcam.rtsp.formats import format_of
from twistedcam.rtsp.sdp import parse_sdp
from twistedcam.servers.rtsp.address import parse_address
from twistedcam.servers.rtsp.description import describe

SETS = bytes.fromhex("000000016742c01fda0280f6c0000000 0168ce3c80".replace(" ", ""))
H264 = Track(VIDEO, "video", "h264", 640, 480, Fraction(25), 0, SETS)
AAC = Track(AUDIO, "audio", "aac", 0, 0, Fraction(48000), 2, bytes.fromhex("1190"))
ADDRESS = parse_address("rtsp://cam:8554/door?codec=h264")


def test_a_client_learns_all_that_its_decoders_need() -> None:
    found = parse_sdp(describe("Front door", [H264, AAC], ADDRESS, 7, "10.0.0.1"))
    assert found.name == "Front door"
    assert found.origin == "- 7 1 IN IP4 10.0.0.1"
    video, audio = found.media
    assert video.control == "rtsp://cam:8554/door/trackID=0?codec=h264"
    assert audio.control == "rtsp://cam:8554/door/trackID=1?codec=h264"
    assert (video.frame_rate, video.size) == (25, (640, 480))
    formats = format_of(video), format_of(audio)
    assert [form and form.codec for form in formats] == ["h264", "aac"]
    assert [form and form.extradata for form in formats] == [SETS, AAC.extradata]
    assert [form and (form.rate, form.channels) for form in formats] == [(0, 0), (48000, 2)]


def test_jpeg_has_the_rate_of_the_camera_if_that_is_known() -> None:
    jpeg = Track(VIDEO, "video", "mjpeg", 640, 480)
    rates = [
        parse_sdp(describe("x", [track, AAC], ADDRESS, 7, "", rate)).media[0].frame_rate
        for track, rate in ((jpeg, 12.5), (jpeg, None), (H264, 12.5))
    ]
    assert rates == [12.5, 0, 25]


def test_a_title_is_one_line_and_an_ipv6_address_is_named_as_such() -> None:
    found = parse_sdp(describe("a\r\nb=c", [H264], ADDRESS, 1, "fe80::1%eth0"))
    assert found.name == "a b=c"
    assert found.origin == "- 1 1 IN IP6 fe80::1"


def test_a_track_that_rtp_has_no_format_for_is_an_error() -> None:
    with pytest.raises(NotSupported, match="vp9"):
        describe("x", [Track(VIDEO, "video", "vp9", 640, 480)], ADDRESS, 1, "")
