"""FFmpeg gets the options that check certificates; old segments are removed."""

from __future__ import annotations

import io
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import pytest

from tests.support.films import h264_packets
from tests.support.sound import aac_packets
from twistedcam.media.packet import Packet
from twistedcam.publishing.sender import muxer
from twistedcam.publishing.sender.muxer import (
    Muxer,
    ca_bundle,
    open_sound,
    remove_old_segments,
    tee_url,
)
from twistedcam.publishing.sender.protocol import SenderConfig, SoundConfig
from twistedcam.rtsp.payloads.opus import opus_head


def test_tee_gets_an_address_with_nothing_that_it_would_read_as_its_own() -> None:
    url = tee_url("rtmps://h/a/k|e'y", "flv", {"ca_file": "/a:b]c"})
    assert url == r"[f=flv:ca_file=/a\\:b\\]c]rtmps://h/a/k\|e\'y"


def test_certificates_are_those_of_the_file_or_the_system_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, own = tmp_path / "system.pem", tmp_path / "own.pem"
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    monkeypatch.setattr(muxer, "_BUNDLES", ("/nowhere", str(system)))
    with pytest.raises(ValueError, match=re.escape("add #ca=FILE")):
        ca_bundle("")
    for file in (system, own):
        file.touch()
    assert ca_bundle("") == str(system)
    assert ca_bundle(str(own)) == str(own)


def test_sound_is_described_by_its_configuration() -> None:
    head = opus_head(1)
    for codec, rate, channels, extradata in (
        ("aac", 44_100, 2, b"\x12\x10"),
        ("opus", 48_000, 1, head),
        ("opus", 48_000, 2, head),
        ("pcm_alaw", 8_000, 1, b""),
        ("pcm_mulaw", 16_000, 2, b""),
    ):
        described: SoundConfig = {
            "codec": codec,
            "rate": rate,
            "channels": channels,
            "extradata": extradata.hex(),
        }
        with open_sound(described) as opened:
            (stream,) = opened.streams.audio
            found = stream.codec_context.name, stream.rate, stream.channels
            assert found == (codec, rate, channels)


@pytest.mark.parametrize("format", ["mpegts", "flv"])
def test_pictures_do_not_wait_for_sound_that_is_late(format: str, tmp_path: Path) -> None:
    path, clock = tmp_path / "sent", Fraction(1, 1_000_000)
    sounds = aac_packets(0.0, 1.0, 0)
    sound: SoundConfig = {"codec": "aac", "rate": 48_000, "channels": 1, "extradata": "1188"}
    options = {"flush_packets": "1"}
    config: SenderConfig = {
        "codec": "h264",
        "url": str(path),
        "muxer": format,
        "options": options,
        "verify": True,
        "ca": "",
        "sound": sound,
    }
    made = Muxer(config)
    packets = h264_packets(n / 25 for n in range(50))
    with av.open(io.BytesIO(packets[0].data), format="h264") as template:
        video, audio = made.open(template.streams.video[0], clock)

    def send(stream: Any, packet: Packet, at: int) -> None:
        sent = av.Packet(packet.data)
        sent.stream, sent.time_base = stream, clock
        sent.dts = sent.pts = at
        sent.is_keyframe = packet.is_keyframe
        made.mux(sent)

    for number, packet in enumerate(packets[:25]):
        send(video, packet, number * 40_000)
    assert path.stat().st_size > sum(len(each.data) for each in packets[:18])
    for each in sounds[20:]:
        send(audio, each, each.pts)
    for number, packet in enumerate(packets[25:]):
        send(video, packet, 1_000_000 + number * 40_000)
    made.close()
    with av.open(path) as film:
        streams = film.streams.video[0], film.streams.audio[0]
        found = [each.stream for each in film.demux(*streams) if each.size]
    assert [found.count(each) for each in streams] == [50, len(sounds) - 20]


def test_only_segments_of_the_playlist_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "www"
    remove_old_segments(folder / "live.m3u8")
    names = ["live1.ts", "live1700000000.ts", "live.m3u8", "live.ts", "lively1.ts", "live1.ts.txt"]
    for name in names:
        (folder / name).touch()
    remove_old_segments(folder / "live.m3u8")
    assert sorted(each.name for each in folder.iterdir()) == sorted(names[2:])


def test_a_reason_is_what_ffmpeg_logged_first() -> None:
    made = Muxer(
        {
            "url": "rtmp://h/a/k",
            "muxer": "flv",
            "options": {},
            "verify": True,
            "ca": "",
            "sound": None,
        }
    )
    error = av.error.ConnectionRefusedError(111, "Connection refused")
    assert made.reason(error) == "Connection refused"
    made._logged = ["Cannot open connection", "Error opening output"]
    assert made.reason(error) == "Connection refused (Cannot open connection)"
    made._logged = ["The certificate is expired"]
    assert made.reason(error).startswith("its certificate is not trusted (The certificate is")


@pytest.mark.parametrize("format", ["mpegts", "flv"])
def test_packets_at_almost_the_same_time_are_all_sent_in_their_order(
    format: str, tmp_path: Path
) -> None:
    path, clock = tmp_path / "sent", Fraction(1, 1_000_000)
    config = {
        "url": str(path),
        "muxer": format,
        "options": {},
        "verify": True,
        "ca": "",
        "sound": None,
    }
    made = Muxer(config)
    packets = h264_packets(n / 25 for n in range(6))
    with av.open(io.BytesIO(packets[0].data), format="h264") as template:
        stream, _ = made.open(template.streams.video[0], clock)
    for packet, dts in zip(packets, [0, 40_000, 40_001, 40_001, 39_000, 80_000], strict=True):
        sent = av.Packet(packet.data)
        sent.stream, sent.time_base = stream, clock
        sent.dts = sent.pts = dts
        sent.is_keyframe = packet.is_keyframe
        made.mux(sent)
    made.close()
    with av.open(path) as film:
        times = [each.dts * each.time_base for each in film.demux(video=0) if each.size]
    assert [round(float(time - times[0]) * 1000) for time in times] == [0, 40, 41, 42, 43, 80]
