"""Files that FFmpeg's muxers write."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from tests.support.films import h264_packets
from tests.support.sound import aac_packets
from twistedcam.media.packet import Packet
from twistedcam.recording.containers import FORMATS
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.ffmpeg_writer import FfmpegWriter
from twistedcam.recording.writer.muxing import FileContents
from twistedcam.recording.writer.part_file import PartFile
from twistedcam.recording.writer.sound_track import SoundPiece


def test_pictures_and_sound_have_their_times(tmp_path: Path) -> None:
    packets = h264_packets([0, 0.1, 0.2])
    sound = aac_packets(0.0, 0.3, packets[0].dts)
    format = FORMATS["copy.mkv"]
    file = PartFile(tmp_path / "a.mkv")
    writer = FfmpegWriter(
        file, FileContents(format, RecordSettings(), packets[0], 1.0, None, sound[0].track, {})
    )
    for number, each in enumerate(packets):
        assert writer.mux(writer.encode(each, number * 100), number * 100 + 100)
    for number, each in enumerate(sound):
        writer.mux_sound(SoundPiece(each.data, number * 1024, 1024))
    writer.end_pictures()
    writer.close()
    file.create()
    with av.open(str(file.publish())) as film:
        found = [
            (each.stream.type, float(each.pts * each.time_base))
            for each in film.demux()
            if each.size
        ]
    pictures = [at for kind, at in found if kind == "video"]
    sounds = [at for kind, at in found if kind == "audio"]
    assert pictures == pytest.approx([0, 0.1, 0.2])
    assert sounds == pytest.approx([n * 1024 / 48_000 for n in range(len(sound))], abs=0.001)


def test_a_bad_picture_is_left_out_and_the_next_one_is_not(tmp_path: Path) -> None:
    packets = h264_packets([0, 0.1, 0.2])
    first = packets[1]
    packets[1] = Packet(first.track, 2, first.time_us, first.pts - 90_000, first.data, False, 0)
    packets[1].pts = -90_000
    file = PartFile(tmp_path / "a.mkv")
    contents = FileContents(FORMATS["copy.mkv"], RecordSettings(), packets[0], 1.0, None, None, {})
    writer = FfmpegWriter(file, contents)
    good = [
        writer.mux(writer.encode(each, number * 100), number * 100 + 100)
        for number, each in enumerate(packets)
    ]
    assert good == [True, False, True]
    writer.close()
