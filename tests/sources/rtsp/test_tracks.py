"""The tracks of a camera: which ones, and their packets with times."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from twisted.internet.task import Clock

from tests.support.rtsp_camera import ALAW, IDR, VIDEO
from twistedcam.errors import CameraFailed
from twistedcam.media.track import Track
from twistedcam.rtsp.payloads.unit import AccessUnit
from twistedcam.rtsp.rtp import RtpPacket
from twistedcam.rtsp.sdp import MediaDescription, MediaFormat, SessionDescription
from twistedcam.sources.base import RawPacket, RawPicture
from twistedcam.sources.rtsp.capture_clock import CameraClock
from twistedcam.sources.rtsp.tracks import ReceivedTrack, choose_media

JPEG = MediaDescription("video", (MediaFormat(26, "JPEG", 90000),))
VP9 = MediaDescription("video", (MediaFormat(98, "VP9", 90000),))
BACK = MediaDescription("audio", ALAW.formats, attributes=(("recvonly", ""),))
G729 = MediaDescription("audio", (MediaFormat(18, "G729", 8000),))
DATA = MediaDescription("application", (MediaFormat(107, "VND.ONVIF.METADATA", 90000),))


def chosen(*media: MediaDescription) -> tuple[list[MediaDescription], str]:
    found, note = choose_media(SessionDescription(media), "h")
    return [media for media, _ in found], note


def test_the_first_video_and_the_first_sound_that_can_be_received_are_chosen() -> None:
    assert chosen(DATA, BACK, G729, ALAW, VP9, VIDEO, JPEG) == ([VIDEO, ALAW], "")
    assert chosen(JPEG) == ([JPEG], "")
    assert chosen(VIDEO, G729) == ([VIDEO], "its sound (G729) cannot be received")


def test_no_video_is_an_error_that_names_what_there_is() -> None:
    with pytest.raises(CameraFailed, match="h has no video"):
        chosen(ALAW)
    with pytest.raises(CameraFailed, match=r"h sends VP9, an unknown format, which cannot be"):
        chosen(VP9, MediaDescription("video", ()))


class Made:
    """A track, and what it delivers."""

    def __init__(self, media: MediaDescription) -> None:
        self.raws: list[RawPicture | RawPacket] = []
        self.corrupt: list[str] = []
        self.sound_faults: list[str] = []
        self.clock = Clock()
        ((_, form), *_) = choose_media(SessionDescription((VIDEO, media)), "h")[0][-1:]
        if media.kind == "video":
            ((_, form),) = choose_media(SessionDescription((media,)), "h")[0]
        self.track = ReceivedTrack(
            media,
            form,
            CameraClock(),
            self.clock,
            self.raws.append,
            self.corrupt.append,
            lambda: None,
            self.sound_faults.append,
        )

    def send(self, sequence: int, payload: bytes, kind: int | None = None) -> None:
        kind = self.track.form.payload_type if kind is None else kind
        data = RtpPacket(kind, True, sequence, 0, 1, payload).encode()
        self.track.receiver.receive_rtp(data, [(0, len(data))])


def test_sound_is_packets_of_its_track() -> None:
    made = Made(ALAW)
    before = time.time()
    made.send(1, b"\xd5" * 160)
    track = Track(1, "audio", "pcm_alaw", 0, 0, Fraction(8000), 1)
    (raw,) = made.raws
    assert isinstance(raw, RawPacket)
    assert raw._replace(time=0) == RawPacket(track, 0, b"\xd5" * 160, True, 0)
    assert before - 1e-3 <= raw.time <= time.time() + 1e-3
    assert made.track.track == track


def test_a_camera_that_says_aac_and_sends_g711_is_found_out_once() -> None:
    config = {"config": "1408", "mode": "AAC-hbr", "sizelength": "13"}
    made = Made(MediaDescription("audio", (MediaFormat(97, "MPEG4-GENERIC", 16_000, 1, config),)))
    for sequence in range(60):
        made.send(sequence, b"\xd5" * 160, 8)
    (fault,) = made.sound_faults
    assert "it says that it sends aac, and sends G.711 (PCMA)" in fault
    assert made.raws == made.corrupt == []


def test_pcm_is_received() -> None:
    made = Made(MediaDescription("audio", (MediaFormat(11, "L16", 44_100, 2),)))
    made.send(1, bytes(640))
    (raw,) = made.raws
    assert isinstance(raw, RawPacket)
    assert (raw.track.codec, raw.track.rate, raw.track.channels) == ("pcm_s16be", 44_100, 2)


def test_pictures_are_given_as_pictures_and_faults_are_counted() -> None:
    made = Made(JPEG)
    made.clock.advance(5)
    made.track._take_picture(AccessUnit(0, b"jpeg"))
    assert made.track.last_arrival == 5
    made.send(1, b"bad")
    (raw,) = made.raws
    assert isinstance(raw, RawPicture)
    assert raw.jpeg == b"jpeg"
    assert made.corrupt == ["a JPEG packet is cut"]
    assert made.track.track is None


def test_the_description_tells_the_track_of_video_before_the_first_packet() -> None:
    made = Made(VIDEO)
    track = made.track.track
    assert track is not None
    assert (track.width, track.height, track.rate) == (320, 240, 25)
    made.send(1, IDR)
    (raw,) = made.raws
    assert isinstance(raw, RawPacket)
    assert raw.track == track
