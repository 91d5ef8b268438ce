"""Files of H.264 that are written without FFmpeg's muxer are those that FFmpeg would write."""

from __future__ import annotations

from errno import ENOSPC
from pathlib import Path
from typing import Any
from unittest.mock import patch

import av
import pytest

from tests.support.fakes import InlineReader
from tests.support.films import START_US, changed, h264_packets, timed_frames
from tests.support.sound import encoded_packets
from twistedcam.media.packet import Packet
from twistedcam.recording.containers import FORMATS
from twistedcam.recording.library import recovery
from twistedcam.recording.mp4.boxes import boxes
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.ffmpeg_writer import FfmpegWriter
from twistedcam.recording.writer.fragmented_writer import FragmentedWriter
from twistedcam.recording.writer.muxing import FileContents
from twistedcam.recording.writer.part_file import PartFile
from twistedcam.recording.writer.sound_track import SoundTrack


def contents(packets: list[Packet], name: str = "auto", pace: float = 1.0) -> FileContents:
    sound = next((each.track for each in packets if each.track.kind == "audio"), None)
    first = next(each for each in packets if each.track.kind == "video")
    metadata = {"comment": "a comment", "creation_time": "2025-06-15T15:06:40.000000Z"}
    return FileContents(FORMATS[name], RecordSettings(), first, pace, None, sound, metadata)


def write(writer: Any, packets: list[Packet]) -> None:
    """Write packets as a segment does, up to the last picture's end."""
    pictures = [each for each in packets if each.track.kind == "video"]
    steps = [round((each.dts - pictures[0].dts) * 0.09) for each in pictures]
    ends = [*steps[1:], steps[-1] + 3600]
    for each, pts, end in zip(pictures, steps, ends, strict=True):
        picture = writer.encode(each, pts)
        if picture is not None:
            writer.mux(picture, end)
    sounds = [each for each in packets if each.track.kind == "audio"]
    if sounds:
        track = SoundTrack(sounds[0].track, pictures[0].dts)
        for each in sounds:
            for piece in track.place(each):
                writer.mux_sound(piece)
    writer.end_pictures()


def found_in(path: Path | str) -> tuple[Any, ...]:
    with av.open(str(path)) as film:
        streams = [
            (each.codec_context.name, each.codec_context.codec_tag, each.time_base, each.duration,
             bytes(each.codec_context.extradata or b""))
            for each in film.streams
        ]  # fmt: skip
        packets = [
            sorted(
                (each.dts, each.pts, each.duration, each.is_keyframe, bytes(each))
                for each in film.demux(stream)
                if each.size
            )
            for stream in film.streams
            if not film.seek(0)
        ]
        return film.metadata, film.duration, streams, packets


def both(tmp_path: Path, packets: list[Packet], name: str, pace: float) -> list[tuple[Any, ...]]:
    """What is found in the file of either writer."""
    made = []
    for kind in (FfmpegWriter, FragmentedWriter):
        file = PartFile(tmp_path / f"{kind.__name__}.{name.rpartition('.')[2]}")
        writer = kind(file, contents(packets, name, pace))
        write(writer, packets)
        writer.close()
        file.create()
        made.append(found_in(file.publish()))
    return made


def reordered(packets: list[Packet]) -> list[Packet]:
    """The packets as if two B-frames followed each P-frame."""
    shifts = [40_000, *[120_000, 0, 0] * 20]
    return [
        Packet(
            each.track,
            each.seq,
            each.time_us,
            each.pts + shift,
            each.data,
            each.is_keyframe,
            each.dts,
        )
        for each, shift in zip(packets, shifts, strict=False)
    ]


@pytest.mark.parametrize("name", ["auto.mp4", "auto.mov"])
@pytest.mark.parametrize("kind", ["plain", "sound", "reordered", "jump", "one", "slow", "codes"])
def test_the_file_is_the_one_of_ffmpeg(kind: str, name: str, tmp_path: Path) -> None:
    times = [n / 25 + (5 if kind == "jump" and n > 20 else 0) for n in range(60)]
    packets, pace = h264_packets(times[:1] if kind == "one" else times, keyframes=1.0), 1.0
    if kind == "sound":
        packets += encoded_packets("aac", 2.0)
        packets = [changed_start(each) for each in packets]
    elif kind == "reordered":
        packets = reordered(packets)
    elif kind == "slow":
        pace = 30.0
    elif kind == "codes":  # of three bytes, and zeros behind units
        for each in packets:
            each.data = b"\0\0\1" + each.data[4:].replace(b"\0\0\0\1", b"\0\0\0\0\0\1")
    ffmpeg, own = both(tmp_path, packets, name, pace)
    if kind == "reordered":  # FFmpeg loses the time of pictures at the end that are shown late
        assert own[1] == 2_400_000
        own, ffmpeg = (own[0], own[3]), (ffmpeg[0], ffmpeg[3])
    assert own == ffmpeg


def changed_start(packet: Packet) -> Packet:
    """A packet on a timeline that begins at 0."""
    first = START_US if packet.track.kind == "video" else 1_700_000_000_000_000
    return packet.bare(packet.dts - first)


def test_jpegs_are_encoded_and_broken_ones_are_left_out(tmp_path: Path) -> None:
    frames: list[Any] = timed_frames([n / 10 for n in range(10)])
    frames[4] = changed(frames[4], jpeg=b"\xff\xd8 no \xff\xd9")
    ffmpeg, own = both(tmp_path, frames, "h264.mp4", 1.0)
    assert own == ffmpeg
    assert len(own[3][0]) == 9


def test_what_is_held_back_can_be_read_behind_the_file(tmp_path: Path) -> None:
    packets = h264_packets([0, 1, 2, 3])
    file = PartFile(tmp_path / "a.mp4")
    writer = FragmentedWriter(file, contents(packets, "auto.mp4"))
    pictures = [writer.encode(each, number * 90_000) for number, each in enumerate(packets)]
    for number, each in enumerate(pictures[:3]):
        assert writer.mux(each, (number + 1) * 90_000)
    file.create()
    file.put_tail(writer.unwritten(pictures[3]))
    assert [each[0] for each in found_in(file.part)[3][0]] == [0, 90_000, 180_000, 270_000]
    bad = pictures[3]._replace(shift=-1)
    file.put_tail(writer.unwritten(bad))
    assert [each[0] for each in found_in(file.part)[3][0]] == [0, 90_000, 180_000]
    assert not writer.mux(bad, 360_000)
    writer.close()
    file.publish()
    assert len(found_in(tmp_path / "a.mp4")[3][0]) == 3


def test_a_disk_without_room_for_the_index_costs_the_index_only(tmp_path: Path) -> None:
    packets = h264_packets([n / 25 for n in range(30)])
    file = PartFile(tmp_path / "a.mp4")
    writer = FragmentedWriter(file, contents(packets, "auto.mp4"))
    write(writer, packets)
    file.create()
    file.mark()
    real, free = file._file.write, [1]  # the last fragment

    def full(data: Any) -> int:
        if not free:
            real(data[:20])
            raise OSError(ENOSPC, "No space left on device")
        free.pop()
        return real(data)

    with patch.object(file, "_write", full):
        writer.close()
    assert file.error is not None
    assert len(found_in(file.publish())[3][0]) == 30


def test_a_batch_is_one_fragment(tmp_path: Path) -> None:
    packets = h264_packets([n / 25 for n in range(30)])
    file = PartFile(tmp_path / "a.mp4")
    writer = FragmentedWriter(file, contents(packets, "auto.mp4"))
    sizes = []
    for number, each in enumerate(packets):
        writer.mux(writer.encode(each, number * 3600), (number + 1) * 3600)
        if number in (3, 11):
            writer.flush()
        sizes.append(file.size)
    # Four pictures are too few; twelve are written, and then as many as fit in 0.6 s.
    assert [n for n in range(1, 30) if sizes[n] > sizes[n - 1]] == [11, 27]


def test_a_torn_header_of_a_fragment_is_found_however_many_pictures_come(tmp_path: Path) -> None:
    (first,) = h264_packets([0])
    sounds = [changed_start(each) for each in encoded_packets("aac", 2.0)]
    file = PartFile(tmp_path / "a.mp4")
    writer = FragmentedWriter(file, contents([first, *sounds], "auto.mp4"))
    track, count = SoundTrack(sounds[0].track, first.dts), 1500  # a picture each millisecond
    pictures = [writer.encode(first, number * 90) for number in range(count)]
    for number, each in enumerate(pictures[:-1]):
        writer.mux(each, number * 90 + 90)
        if number % 20 == 0:
            for piece in track.place(sounds[number // 20]):
                writer.mux_sound(piece)
    file.create()
    file.put_tail(writer.unwritten(pictures[-1]))
    data = file.part.read_bytes()
    headers = [each for each in boxes(data, 0, len(data)) if each.kind == b"moof"]
    torn = tmp_path / "torn"
    torn.mkdir()
    (torn / ".a.mp4.part").write_bytes(data[: headers[-1].end - 1])
    (found,) = recovery.recover(torn, InlineReader())  # type: ignore[arg-type]
    assert count - found.frames <= 100
    file.discard()
