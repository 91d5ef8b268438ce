"""Formats: the codec, its parameters, and what reads its packets."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.rtsp.payloads.test_unit import IDR, PPS, SPS, annexb
from twistedcam.codecs.audio_decoder import AudioDecoder
from twistedcam.media.packet import Packet
from twistedcam.media.track import AUDIO, Track
from twistedcam.rtsp.formats import (
    TrackFormat,
    aac_parameters,
    format_of,
    h264_parameters,
    h265_parameters,
)
from twistedcam.rtsp.sdp import MediaDescription, SessionDescription, parse_sdp


def track(lines: str) -> TrackFormat | None:
    return format_of(parse_sdp(f"v=0\n{lines}".encode()).media[0])


def described(codec: str, parameters: dict[str, str]) -> TrackFormat:
    text = "; ".join(f"{name}={value}" for name, value in parameters.items())
    found = track(f"m=video 0 RTP/AVP 96\na=rtpmap:96 {codec}/90000\na=fmtp:96 {text}")
    assert found is not None
    return found


def test_h264_parameters_are_read_as_they_were_written() -> None:
    found = described("h264", h264_parameters([SPS, PPS]))
    assert (found.codec, found.clock_rate, found.payload_type) == ("h264", 90000, 96)
    assert found.extradata == annexb(SPS, PPS)
    (unit,) = found.make_depacketizer().push(IDR, 1, True)
    assert unit.data == annexb(SPS, PPS, IDR)
    assert h264_parameters([SPS, PPS])["profile-level-id"] == "42C01F"
    assert h264_parameters([]) == {"packetization-mode": "1"}


def test_h265_parameters_are_read_as_they_were_written() -> None:
    sets = [bytes((kind << 1, 1, 9, kind)) for kind in (32, 33, 34)]
    found = described("H265", h265_parameters(sets))
    assert (found.codec, found.extradata) == ("hevc", annexb(*sets))


@pytest.mark.parametrize("text", ["????,aM48gA==", "AAAAAWjOPIA=,AAAB", ",aM48gA", " aM48gA==,"])
def test_parameter_sets_that_are_broken_are_left_out(text: str) -> None:
    found = described("H264", {"sprop-parameter-sets": text})
    assert found.extradata == annexb(bytes.fromhex("68ce3c80"))


def test_aac_parameters_are_read_as_they_were_written() -> None:
    config = bytes.fromhex("1190")
    text = "; ".join(f"{name}={value}" for name, value in aac_parameters(config).items())
    found = track(f"m=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/48000/2\na=fmtp:97 {text}")
    assert found is not None
    assert (found.codec, found.rate, found.channels) == ("aac", 48000, 2)
    assert found.extradata == config
    (first, second) = found.make_depacketizer().push(b"\0\x20\0\x08\0\x08ab", 0, True)
    assert (first.data, second.data, second.timestamp) == (b"a", b"b", 1024)


@pytest.mark.parametrize(
    ("lines", "codec", "rate", "channels"),
    [
        ("m=audio 0 RTP/AVP 8", "pcm_alaw", 8000, 1),
        ("m=audio 0 RTP/AVP 0", "pcm_mulaw", 8000, 1),
        ("m=audio 0 RTP/AVP 99\na=rtpmap:99 PCMU/16000/2", "pcm_mulaw", 16000, 2),
        ("m=audio 0 RTP/AVP 99\na=rtpmap:99 opus/48000/2", "opus", 48000, 1),
        (
            "m=audio 0 RTP/AVP 99\na=rtpmap:99 opus/48000/2\na=fmtp:99 sprop-stereo=1",
            *("opus", 48000, 2),
        ),
        ("m=audio 0 RTP/AVP 9", "g722", 16000, 1),
        ("m=audio 0 RTP/AVP 99\na=rtpmap:99 G726-32/8000", "g726le", 8000, 1),
        ("m=audio 0 RTP/AVP 99\na=rtpmap:99 AAL2-G726-16/8000", "g726", 8000, 1),
        ("m=video 0 RTP/AVP 26", "mjpeg", 0, 0),
    ],
)
def test_other_formats_have_codec_rate_and_channels(
    lines: str, codec: str, rate: int, channels: int
) -> None:
    found = track(lines)
    assert found is not None
    assert (found.codec, found.rate, found.channels) == (codec, rate, channels)


@pytest.mark.parametrize(
    "lines",
    [
        "m=video 0 RTP/AVP 96\na=rtpmap:96 VP8/90000",
        "m=application 0 RTP/AVP 96\na=rtpmap:96 H264/90000",
        "m=audio 0 RTP/AVP 97\na=rtpmap:97 mpeg4-generic/48000\na=fmtp:97 mode=CELP-cbr",
        "m=audio 0 RTP/AVP 97\na=rtpmap:97 mpeg4-generic/48000\na=fmtp:97 config=zz",
        "m=audio 0 RTP/AVP 97\na=rtpmap:97 mpeg4-generic/48000\na=fmtp:97 config=1190;sizelength=0",
        "m=video 0 RTP/AVP 96",
    ],
)
def test_what_cannot_be_received_is_none(lines: str) -> None:
    assert track(lines) is None


def test_the_first_format_that_is_known_is_taken() -> None:
    found = track("m=video 0 RTP/AVP 98 96\na=rtpmap:98 VP9/90000\na=rtpmap:96 H264/90000")
    assert found is not None
    assert found.payload_type == 96
    assert format_of(MediaDescription("video", ())) is None
    assert SessionDescription(()).encode().startswith(b"v=0\r\n")


@pytest.mark.parametrize("bits", [2, 3, 4, 5])
@pytest.mark.parametrize("name", ["G726", "AAL2-G726"])
def test_g726_is_decoded_with_its_number_of_bits(name: str, bits: int) -> None:
    found = track(f"m=audio 0 RTP/AVP 99\na=rtpmap:99 {name}-{8 * bits}/8000")
    assert found is not None and found.clock_rate == 8000
    rate = Fraction(found.rate)
    sound = Track(AUDIO, "audio", found.codec, 0, 0, rate, found.channels, found.extradata)
    (frame,) = AudioDecoder(sound).decode(Packet(sound, 0, 0, 0, bytes(20 * bits)))
    assert (frame.samples, frame.sample_rate) == (160, 8000)


def test_the_clock_of_g722_has_half_the_rate_of_its_samples() -> None:
    found = track("m=audio 0 RTP/AVP 9")
    assert found is not None and (found.clock_rate, found.rate) == (8000, 16000)
    sound = Track(AUDIO, "audio", "g722", rate=Fraction(16000), channels=1)
    (frame,) = AudioDecoder(sound).decode(Packet(sound, 0, 0, 0, bytes(160)))
    assert (frame.samples, frame.sample_rate) == (320, 16000)
