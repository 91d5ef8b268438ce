"""The writer for each kind of file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.films import h264_packets, timed_frames
from tests.support.sound import aac_packets, encoded_packets
from twistedcam.recording.containers import FORMATS
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.container_writer import open_writer
from twistedcam.recording.writer.ffmpeg_writer import FfmpegWriter
from twistedcam.recording.writer.fragmented_writer import FragmentedWriter
from twistedcam.recording.writer.muxing import FileContents
from twistedcam.recording.writer.part_file import PartFile


@pytest.mark.parametrize(
    ("name", "source", "sound", "kind"),
    [
        ("auto", "h264", None, FragmentedWriter),
        ("auto.mov", "h264", "aac", FragmentedWriter),
        ("h264.mp4", "mjpeg", None, FragmentedWriter),
        ("copy.mov", "h264", None, FragmentedWriter),
        ("copy.mov", "mjpeg", None, FfmpegWriter),
        ("copy.mkv", "h264", "opus", FfmpegWriter),
        ("copy.avi", "mjpeg", None, FfmpegWriter),
    ],
)
def test_ffmpeg_writes_what_has_no_fragments_of_nal_units(
    name: str, source: str, sound: str | None, kind: type, tmp_path: Path
) -> None:
    first = h264_packets([0])[0] if source == "h264" else timed_frames([0])[0]
    sounds = {"aac": lambda: aac_packets(0, 1, 0), "opus": lambda: encoded_packets("opus", 0.1)}
    track = None if sound is None else sounds[sound]()[0].track
    contents = FileContents(FORMATS[name], RecordSettings(), first, 1.0, None, track, {})
    writer = open_writer(PartFile(tmp_path / "a"), contents)
    assert type(writer) is kind
    writer.close()
