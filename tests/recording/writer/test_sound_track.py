"""The sound of a file: at its time, and silence where there is none."""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO

import av
import numpy as np
import pytest

from tests.support.films import START_US
from tests.support.sound import aac_packets, encoded_packets
from twistedcam.media.packet import Packet
from twistedcam.media.track import AUDIO, Track
from twistedcam.recording.writer.ffmpeg_writer import sound_packet
from twistedcam.recording.writer.sound_track import SoundTrack, add_sound_stream, sound_fault

PACKET = 1024 / 48_000


def sound(packets: list[Packet]) -> SoundTrack:
    return SoundTrack(packets[0].track, START_US)


def placed(track: SoundTrack, packets: list[Packet]) -> list[tuple[float, bool]]:
    """The seconds and whether it is a packet of the camera."""
    return [
        (round(made.start / float(each.track.rate or 0), 4), made.data.isdigit())
        for each in packets
        for made in track.place(each)
    ]


def test_packets_follow_each_other_without_the_jitter_of_their_times() -> None:
    packets = aac_packets(0.0, 0.5, START_US)
    for number, each in enumerate(packets[1:]):
        each.pts += (number % 3 - 1) * 300
    made = placed(sound(packets), packets)
    assert made == [(round(n * PACKET, 4), True) for n in range(len(packets))]


def test_a_clock_that_is_fast_does_not_make_sound_drift() -> None:
    packets = aac_packets(0.0, 60.0, START_US)
    for each in packets:
        each.pts = START_US + round((each.pts - START_US) * 1.001)
    made = placed(sound(packets), packets)
    assert all(is_real for _, is_real in made)
    errors = [at - (each.pts - START_US) / 1e6 for (at, _), each in zip(made, packets, strict=True)]
    assert max(map(abs, errors)) < 0.0016


def test_sound_before_the_first_picture_is_cut() -> None:
    packets = aac_packets(-1.0, 0.1, START_US)
    made = placed(sound(packets), packets)
    assert made[0] == (0.0, True)
    assert len(made) == 5


def test_sound_that_begins_late_and_a_gap_are_filled_with_silence() -> None:
    packets = aac_packets(1.0, 2.0, START_US) + aac_packets(5.0, 6.0, START_US)
    made = placed(sound(packets), packets)
    times = [at for at, _ in made]
    assert times[0] == 0.0
    assert max(np.abs(np.diff(times) - PACKET)) < 0.0002
    assert [is_real for _, is_real in made].count(True) == len(packets)
    reals = [at for at, is_real in made if is_real]
    assert reals == [round((each.pts - START_US) / 1e6, 4) for each in packets]


@pytest.mark.parametrize("late", [0.0013, 0.005, 0.0575, 1.0])
def test_silence_of_opus_ends_where_sound_begins(late: float) -> None:
    packets = encoded_packets("opus", seconds=0.1)
    packets[0].pts = START_US + round(late * 1e6)
    made = sound(packets).place(packets[0])
    assert made[0].start == 0
    assert made[-1].start == round(late * 48_000)
    ends = [each.start + each.length for each in made]
    assert max(abs(end - after.start) for end, after in zip(ends, made[1:], strict=False)) <= 60
    decoder = av.CodecContext.create("opus", "r")
    for each in made[:-1]:
        (frame,) = decoder.decode(av.Packet(each.data))
        assert frame.samples == each.length
        assert not frame.to_ndarray().any()


def test_silence_is_added_up_to_a_time_and_late_sound_does_not_go_back() -> None:
    packets = aac_packets(0.0, 3.0, START_US)
    track = sound(packets)
    assert len(placed(track, packets[:10])) == 10
    assert track.missing(START_US + 1_000_000) == pytest.approx(1.0 - 10 * PACKET, abs=0.001)
    silence = track.fill(START_US + 1_000_000)
    assert {each.data for each in silence} == {bytes.fromhex("01182007")}
    assert len(silence) == 36
    assert placed(track, packets[20:46]) == []
    assert placed(track, packets[46:48]) == [(round(n * PACKET, 4), True) for n in (46, 47)]


@pytest.mark.parametrize(
    ("codec", "channels", "config"),
    [
        ("aac", 1, b"\x11\x88"),
        ("aac", 2, b"\x11\x90"),
        ("aac", 6, b"\x11\xb0"),
        ("opus", 2, b"OpusHead\1\2\x38\1\x80\xbb\0\0\0\0\0"),
    ],
)
def test_silence_is_silent(codec: str, channels: int, config: bytes) -> None:
    rate = Fraction(48_000)
    track = Track(AUDIO, "audio", codec, rate=rate, channels=channels, extradata=config)
    written = BytesIO()
    with av.open(written, "w", format="matroska") as container:
        stream = add_sound_stream(container, track)
        container.start_encoding()
        for each in SoundTrack(track, 0).fill(500_000):
            container.mux(sound_packet(each, stream, Fraction(1, 48_000)))
    written.seek(0)
    with av.open(written) as read:
        frames = [each.to_ndarray().astype(float) for each in read.decode(audio=0)]
        assert read.streams.audio[0].channels == channels
    loudest = max(float(np.abs(each).max()) for each in frames)
    assert loudest < 1e-4
    samples = sum(each.size for each in frames) / channels / 48_000
    assert samples == pytest.approx(0.5, abs=0.03)


def test_sound_that_a_file_cannot_have_says_why() -> None:
    good, bad = (Track(AUDIO, "audio", "aac", 0, 0, None, 1, each) for each in (b"\x11\x88", b""))
    assert sound_fault(good, "mp4") is None
    assert sound_fault(bad, "mp4") == "the configuration of AAC is missing"
