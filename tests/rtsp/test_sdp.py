"""Session descriptions, as cameras write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.rtsp.sdp import (
    BadSdp,
    MediaDescription,
    MediaFormat,
    SessionDescription,
    control_url,
    parse_parameters,
    parse_sdp,
)

CAMERA = b"""v=0
o=- 1 1 IN IP4 10.0.0.7
s=Media Presentation
c=IN IP4 0.0.0.0
t=0 0
a=control:*
a=range:npt=now-
m=video 0 RTP/AVP 96
b=AS:5000
a=control:trackID=1
a=rtpmap:96 H264/90000
a=fmtp:96 profile-level-id=420029; packetization-mode=1; sprop-parameter-sets=Z0IAKQ==,aM48gA==
a=framerate:25.0
a=x-dimensions:2560,1440
m=audio 0 RTP/AVP 8
a=control:trackID=2
m=audio 0 RTP/AVP 97
a=rtpmap:97 mpeg4-generic/16000/2
a=sendonly
m=audio 0 RTP/AVP 0
a=recvonly
m=application 0 RTP/AVP 107
a=rtpmap:107 vnd.onvif.metadata/90000
m=cut
"""


def test_a_camera_s_description_is_read() -> None:
    session = parse_sdp(CAMERA)
    assert (session.name, session.control) == ("Media Presentation", "*")
    video, alaw, aac, back, data = session.media
    assert video.formats == (
        MediaFormat(
            *(96, "H264", 90000, 1),
            {
                "profile-level-id": "420029",
                "packetization-mode": "1",
                "sprop-parameter-sets": "Z0IAKQ==,aM48gA==",
            },
        ),
    )
    assert (video.control, video.frame_rate, video.size) == ("trackID=1", 25.0, (2560, 1440))
    assert alaw.formats == (MediaFormat(8, "PCMA", 8000, 1),)
    assert aac.formats == (MediaFormat(97, "MPEG4-GENERIC", 16000, 2),)
    assert [each.is_offered for each in (video, alaw, aac, back)] == [True, True, True, False]
    assert data.kind == "application"


def test_what_is_written_is_read_again() -> None:
    session = SessionDescription(
        (
            MediaDescription(
                "video",
                (MediaFormat(96, "H265", 90000, 1, {"sprop-vps": "QAE="}),),
                attributes=(("control", "track1"), ("framesize", "96 640-480")),
            ),
            MediaDescription("audio", (MediaFormat(97, "OPUS", 48000, 2),), 5004),
        ),
        "door",
        (("tool", "twistedcam"), ("recvonly", "")),
        "239.1.2.3",
    )
    assert parse_sdp(session.encode()) == session
    assert session.media[0].size == (640, 480)
    assert b"c=IN IP4 239.1.2.3\r\n" in session.encode()


@given(st.binary(max_size=200), st.integers(0, 400))
def test_bytes_of_any_kind_are_read_or_refused(data: bytes, at: int) -> None:
    for text in (data, CAMERA[:at] + data + CAMERA[at:]):
        try:
            session = parse_sdp(text)
        except BadSdp:
            continue
        for media in session.media:
            assert media.frame_rate >= 0
            assert media.size is None or len(media.size) == 2


@pytest.mark.parametrize(
    "data", [b"<html></html>", bytes(300_000), b"\n" * 5000, b"v=0\n" + b"m=video 0 a 1\n" * 40]
)
def test_what_is_no_description_is_refused(data: bytes) -> None:
    with pytest.raises(BadSdp):
        parse_sdp(data)


@pytest.mark.parametrize(
    ("base", "control", "url"),
    [
        ("rtsp://h/cam/", "trackID=1", "rtsp://h/cam/trackID=1"),
        ("rtsp://h/cam", "trackID=1", "rtsp://h/cam/trackID=1"),
        ("rtsp://h/cam?a=b", "track1", "rtsp://h/cam?a=b/track1"),
        ("rtsp://h/cam", "*", "rtsp://h/cam"),
        ("rtsp://h/cam", "", "rtsp://h/cam"),
        ("rtsp://h/cam", "rtsp://h/cam/t", "rtsp://h/cam/t"),
        ("rtsp://h:8554/cam", "/other/t", "rtsp://h:8554/other/t"),
    ],
)
def test_the_address_of_a_track_is_joined_to_that_of_the_camera(
    base: str, control: str, url: str
) -> None:
    assert control_url(base, control) == url


def test_parameters_may_have_spaces_quotes_and_no_value() -> None:
    assert parse_parameters(' A=1;b = "x y" ;c;;a=2') == {"a": "1", "b": "x y", "c": ""}
