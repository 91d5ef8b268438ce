"""Fragments of MP4, as FFmpeg reads them."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.nal_streams import encoded
from twistedcam.media.mp4_fragment import (
    codec_string,
    fragment,
    init_segment,
    packet_duration,
)
from twistedcam.media.nal import to_length_prefixed
from twistedcam.media.nal_codecs import NAL_CODECS
from twistedcam.media.packet import Packet
from twistedcam.media.track import AUDIO, VIDEO, Track

CODECS = pytest.mark.parametrize("codec", list(NAL_CODECS))
#: A moment in microseconds since the UNIX epoch.
NOW = 1_764_000_000_000_000
PERIOD = 40_000


def video(codec: str, packets: tuple[bytes, ...], begin: int = 0) -> list[Packet]:
    """The packets at 25 a second."""
    nal = NAL_CODECS[codec]
    said = nal.sequence_parameters(packets[0])
    track = Track(
        VIDEO, "video", codec, said.width, said.height, Fraction(25),
        extradata=nal.parameter_sets(packets[0]),
    )  # fmt: skip
    return [
        Packet(track, n + 1, 0, begin + n * PERIOD, data, nal.is_keyframe(data))
        for n, data in enumerate(packets)
    ]


def read(film: bytes, kind: str = "video") -> tuple[Any, list[Any]]:
    """The stream as FFmpeg sees it, and its packets."""
    container = av.open(io.BytesIO(film), format="mp4")
    stream = next(each for each in container.streams if each.type == kind)
    return stream, [packet for packet in container.demux(stream) if packet.size]


def decoded(film: bytes, kind: str = "video") -> list[Any]:
    """All decoded frames."""
    with av.open(io.BytesIO(film), format="mp4") as container:
        stream = next(each for each in container.streams if each.type == kind)
        return list(container.decode(stream))


@CODECS
@pytest.mark.parametrize("begin", [0, NOW])
def test_every_packet_arrives_with_its_time(codec: str, begin: int) -> None:
    packets = video(codec, encoded(codec, options=(("bf", "0"),)), begin)
    film = init_segment([packets[0].track]) + b"".join(map(fragment, packets))
    stream, found = read(film)
    assert (stream.codec_context.name, stream.width, stream.height) == (codec, 128, 96)
    assert [bytes(each) for each in found] == [to_length_prefixed(each.data) for each in packets]
    assert [each.pts * stream.time_base * 1_000_000 for each in found] == [
        each.pts for each in packets
    ]
    assert [each.is_keyframe for each in found] == [each.is_keyframe for each in packets]
    assert {each.duration * stream.time_base for each in found} == {Fraction(1, 25)}
    assert len(decoded(film)) == len(packets)


def test_a_viewer_may_begin_at_any_key_frame() -> None:
    packets = video("h264", encoded("h264", options=(("g", "3"),), frames=9))
    film = init_segment([packets[0].track]) + b"".join(map(fragment, packets[3:]))
    assert [frame.pts for frame in decoded(film)] == [each.pts for each in packets[3:]]


def test_pictures_are_shown_in_their_order_with_b_frames() -> None:
    data = encoded("h264", options=(("preset", "medium"), ("bf", "2"), ("b-adapt", "0")), frames=9)
    plain = video("h264", data, NOW)
    shown = _places(data)
    assert shown != sorted(shown)
    packets = [
        Packet(each.track, each.seq, 0, NOW + (place + 2) * PERIOD, each.data, each.is_keyframe,
               each.dts)
        for each, place in zip(plain, shown, strict=True)
    ]  # fmt: skip
    film = init_segment([packets[0].track]) + b"".join(map(fragment, packets))
    times = [frame.pts for frame in decoded(film)]
    assert times == [NOW + (n + 2) * PERIOD for n in range(len(packets))]


def _places(data: tuple[bytes, ...]) -> list[int]:
    """The place at which each packet is shown."""
    decoder: Any = av.CodecContext.create("h264", "r")
    places = {}
    for n, each in enumerate(data):
        packet = av.Packet(each)
        packet.pts = packet.dts = n
        for frame in decoder.decode(packet):
            places[frame.pts] = len(places)
    for frame in decoder.decode(None):
        places[frame.pts] = len(places)
    return [places[n] for n in range(len(data))]


def test_a_fragment_is_the_same_for_all_and_made_once() -> None:
    packet = video("h264", encoded("h264"))[0]
    assert packet.shared(fragment) is packet.shared(fragment)


@given(
    st.integers(0, 2**40),
    st.integers(-(2**20), 2**20),
    st.integers(1, 2**40),
    st.binary(max_size=9),
)
def test_boxes_end_where_their_sizes_say(dts: int, offset: int, seq: int, data: bytes) -> None:
    track = Track(VIDEO, "video", "h264", 16, 16)
    made = fragment(Packet(track, seq, 0, dts + offset, b"\0\0\0\1\x41" + data, False, dts))
    moof, kind = struct.unpack_from("!I4s", made)
    assert kind == b"moof"
    size, kind = struct.unpack_from("!I4s", made, moof)
    assert (kind, moof + size) == (b"mdat", len(made))
    assert struct.unpack_from("!Q", made, 60)[0] == dts


def sound(codec: str) -> tuple[Track, list[Packet], int]:
    """A second of sound, its track, and the samples of a packet."""
    encoder: Any = av.CodecContext.create({"aac": "aac", "opus": "libopus"}[codec], "w")
    encoder.sample_rate, encoder.layout = 48_000, "stereo"
    encoder.format, encoder.time_base = ("fltp" if codec == "aac" else "s16"), Fraction(1, 48_000)
    encoder.open()
    samples = encoder.frame_size
    track = Track(AUDIO, "audio", codec, 0, 0, Fraction(48_000), 2, encoder.extradata)
    packets = []
    for n in range(48_000 // samples):
        shape = (2, samples) if codec == "aac" else (1, samples * 2)
        wave = np.sin(np.arange(shape[1]) / 9) * 9000
        kind = np.float32 if codec == "aac" else np.int16
        scale = 1 / 32768 if codec == "aac" else 1
        array = np.repeat((wave * scale).astype(kind)[None], shape[0], axis=0)
        frame = av.AudioFrame.from_ndarray(array, format=encoder.format.name, layout="stereo")
        frame.sample_rate, frame.pts = 48_000, n * samples
        for coded in encoder.encode(frame):
            seq = len(packets) + 1
            time = NOW + (seq - 1) * samples * 1_000_000 // 48_000
            packets.append(Packet(track, seq, 0, time, bytes(coded)))
    return track, packets, samples


@pytest.mark.parametrize("codec", ["aac", "opus"])
def test_sound_plays_beside_the_picture(codec: str) -> None:
    track, packets, samples = sound(codec)
    pictures = video("h264", encoded("h264", options=(("bf", "0"),)), NOW)
    both = sorted([*pictures, *packets], key=lambda packet: packet.pts)
    film = init_segment([pictures[0].track, track]) + b"".join(map(fragment, both))
    stream, found = read(film, "audio")
    context = stream.codec_context
    assert (context.name, context.sample_rate, context.layout.name) == (codec, 48_000, "stereo")
    assert [bytes(each) for each in found] == [each.data for each in packets]
    assert {packet_duration(each) for each in packets} == {samples * 1_000_000 // 48_000}
    heard = decoded(film, "audio")
    assert np.abs(heard[-2].to_ndarray().astype(float)).max() > 0
    assert len(decoded(film)) == len(pictures)


def test_browsers_know_each_codec_by_its_name() -> None:
    picture = video("h264", encoded("h264"))[0].track
    assert codec_string(picture).startswith("avc1.")
    aac = Track(AUDIO, "audio", "aac", 0, 0, Fraction(48_000), 2, bytes.fromhex("1190"))
    opus = Track(AUDIO, "audio", "opus", 0, 0, Fraction(48_000), 2)
    assert codec_string(aac) == "mp4a.40.2"
    assert codec_string(opus) == "opus"
    assert codec_string(Track(1, "audio", "aac", extradata=bytes.fromhex("f95a"))) == "mp4a.40.42"


@pytest.mark.parametrize(
    "track",
    [
        Track(VIDEO, "video", "mjpeg", 640, 480),
        Track(AUDIO, "audio", "pcm_alaw", 0, 0, Fraction(8000), 1),
        Track(VIDEO, "video", "h264", 640, 480),
        Track(AUDIO, "audio", "opus", 0, 0, Fraction(48_000), 2),
        Track(AUDIO, "audio", "aac", 0, 0, Fraction(48_000), 2),
    ],
    ids=lambda track: track.codec,
)
def test_a_track_that_mp4_cannot_contain_is_refused(track: Track) -> None:
    with pytest.raises(ValueError, match=r"MP4|missing|needs"):
        init_segment([track])


def test_durations_of_opus_are_in_its_first_bytes() -> None:
    track = Track(AUDIO, "audio", "opus", 0, 0, Fraction(48_000), 1)
    for data, milliseconds in ((b"\xfc", 20), (b"\x19\0", 120), (b"\xe3\x03", 7.5), (b"", 0)):
        assert packet_duration(Packet(track, 1, 0, 0, data)) == milliseconds * 1000


def test_a_track_of_unknown_rate_has_short_pictures() -> None:
    track = Track(VIDEO, "video", "h264", 16, 16)
    assert packet_duration(Packet(track, 1, 0, 0, b"")) == PERIOD
