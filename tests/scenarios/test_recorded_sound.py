"""Sound in the files of a recording: at its time, in the right file, whatever happens."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.support.fakes import InlineThread
from tests.support.films import START_US, h264_packets, timed_frames
from tests.support.movies import entries_in
from tests.support.process import ServerProcess, wait_for
from tests.support.sound import aac_packets
from tests.support.source_peers import rtsp
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.recording.containers import FORMATS
from twistedcam.recording.media_worker.remux import copy
from twistedcam.recording.playback.export import write_export
from twistedcam.recording.playback.movie_files import MovieFiles
from twistedcam.recording.playback.piece import read_piece
from twistedcam.recording.playback.planner import plan_piece
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.part_file import part_of
from twistedcam.recording.writer.plan import Plan
from twistedcam.recording.writer.session import RecordingSession
from twistedcam.stream.camera_sound import CameraSound

PACKET = 1024 / 48_000
#: Seconds after the pictures of its time at which sound arrives.
LATE = 0.06


def session(folder: Path, name: str, sound: Track | None, **settings: Any) -> RecordingSession:
    suffix = name.partition(".")[2]
    format = FORMATS["auto" if suffix == "mp4" else suffix]
    plan = Plan(folder, "cam", name, True, format, RecordSettings(**settings), sound=sound)
    return RecordingSession(plan)


def write(
    recording: RecordingSession,
    pictures: Iterable[Packet],
    sounds: list[Packet],
    late: float = LATE,
) -> list[Any]:
    """Write packets in the order of their arrival; return the files that were closed."""
    arrivals = [(each.pts, each) for each in pictures]
    arrivals += [(each.pts + round(late * 1e6), each) for each in sounds]
    arrivals.sort(key=lambda each: each[0])
    return [made for _, each in arrivals for made in recording.write([each]).closed]


def finish(recording: RecordingSession, closed: list[Any]) -> list[Path]:
    """End and publish; return the files."""
    closed += recording.finish(None).closed
    for each in closed:
        each.publish(0)
    return [recording.plan.folder / each.result.name for each in closed]


def sound_of(path: Path) -> list[tuple[float, int | None]]:
    """The packets of sound of a file: seconds from the first picture, and number or None."""
    with av.open(str(path)) as film:
        video, audio = film.streams.video[0], film.streams.audio[0]
        packets = [each for each in film.demux(video, audio) if each.size]
        first = min(each.pts * each.time_base for each in packets if each.stream is video)
        return [
            (float(each.pts * each.time_base - first), int(data) if data.isdigit() else None)
            for each in packets
            if each.stream is audio
            for data in [bytes(each)]
        ]


def numbers(path: Path) -> list[int]:
    """The numbers of the camera's packets in a file."""
    return [number for _, number in sound_of(path) if number is not None]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov"])
@pytest.mark.parametrize("late", [LATE, -0.3])
def test_sound_is_at_its_time_untouched(name: str, late: float, tmp_path: Path) -> None:
    sounds = aac_packets(-1.0, 5.0, START_US)
    recording = session(tmp_path, name, sounds[0].track)
    closed = write(recording, h264_packets(n / 25 for n in range(101)), sounds, late)
    (path,) = finish(recording, closed)
    found = sound_of(path)
    assert [number for _, number in found] == list(range(len(found)))
    assert 4.0 - found[-1][0] < 0.1
    assert all(at == pytest.approx(number * PACKET, abs=0.001) for at, number in found)


def test_no_packet_is_lost_or_twice_over_the_files_of_a_recording(tmp_path: Path) -> None:
    sounds = aac_packets(0.0, 7.0, START_US)
    for name, late in (("late.mp4", LATE), ("early.mp4", -0.3)):
        recording = session(tmp_path, name, sounds[0].track, segment=2)
        pictures = h264_packets((n / 25 for n in range(176)), keyframes=1.0)
        paths = finish(recording, write(recording, pictures, sounds, late))
        assert len(paths) == 4
        found = [numbers(each) for each in paths]
        together = list(chain.from_iterable(found))
        assert together == list(range(len(together)))
        for part, path in enumerate(paths):
            for at, number in sound_of(path):
                if number is not None:
                    assert at + 2 * part == pytest.approx(number * PACKET, abs=0.001)


def test_a_muted_time_is_silence_without_a_gap_over_the_files_of_a_recording(
    tmp_path: Path,
) -> None:
    sounds, muted = aac_packets(0.0, 7.0, START_US), range(70, 211)  # 1.5 to 4.5 s
    camera = CameraSound("cam", None, InlineThread)  # type: ignore[arg-type]
    for each in sounds:
        camera.is_muted = each.seq in muted
        camera.publish(each, each.pts, each.pts)
    recording = session(tmp_path, "a.mp4", sounds[0].track, segment=2)
    pictures = h264_packets((n / 25 for n in range(176)), keyframes=1.0)
    found = [sound_of(each) for each in finish(recording, write(recording, pictures, sounds))]
    assert len(found) == 4
    together = [number for part in found for _, number in part]
    heard = [number for number in together if number is not None]
    assert heard == [each for each in range(heard[-1] + 1) if each not in muted]
    more = len(together) - len(heard) - len(muted)
    assert 0 <= more <= 4, "silence until the first packet of a file, and after the last of all"
    for part, each in enumerate(found):
        assert each[0][0] == pytest.approx(0.0, abs=0.001)
        steps = [b - a for (a, _), (b, _) in pairwise(each)]
        assert steps[1:] == pytest.approx([PACKET] * (len(steps) - 1), abs=0.0015)
        assert each[-1][0] > (1.9 if part < 3 else 0.9)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov"])
def test_a_file_that_waits_for_its_last_sound_has_all_its_pictures(
    name: str, tmp_path: Path
) -> None:
    sounds = aac_packets(0.0, 1.5, START_US)
    recording = session(tmp_path, name, sounds[0].track, segment=2)
    pictures = h264_packets((n / 25 for n in range(74)), keyframes=1.0)
    for at in range(0, 74, 12):  # in batches, as a job writes them
        until = pictures[at].dts + 480_000
        heard = [each for each in sounds if pictures[at].dts <= each.pts < until]
        assert not recording.write([*pictures[at : at + 12], *heard]).closed
    with av.open(str(part_of(tmp_path / name))) as film:
        assert len([each for each in film.demux(video=0) if each.size]) == 50
    finish(recording, [])


def test_sound_is_played_and_exported_without_a_seam(tmp_path: Path) -> None:
    sounds = aac_packets(0.0, 12.0, START_US)
    first = [each for each in sounds if each.seq < 200]
    pictures = h264_packets((n / 25 for n in range(301)), keyframes=1.0)
    recording = session(tmp_path, "a.mp4", sounds[0].track, segment=2)
    finish(recording, write(recording, pictures[:125], first))
    recording = session(tmp_path, "b.mp4", sounds[0].track, segment=2)  # a second later
    finish(recording, write(recording, pictures[150:], sounds))
    files = MovieFiles(tmp_path)
    start = START_US / 1e6
    piece = plan_piece(files, entries_in(tmp_path), start + 0.5, start + 11.5)
    assert len(piece.parts) == 6
    assert [round(gap, 2) for _, gap in piece.gaps] == [1.0]
    played = tmp_path / "played"
    played.write_bytes(b"".join(read_piece(files, piece, 0, piece.size)))
    write_export(files, piece, tmp_path / "c.mp4", "cam")
    for path in (played, tmp_path / "c.mp4"):
        found = sound_of(path)
        heard = [number for _, number in found if number is not None]
        seam = next(at for at, number in enumerate(heard) if number > 240)
        assert heard[:seam] == list(range(seam))
        assert heard[seam:] == list(range(heard[seam], heard[-1] + 1))
        assert heard[seam] * PACKET == pytest.approx(6.0, abs=PACKET)
        uneven = [a for (a, _), (b, _) in pairwise(found) if abs(b - a - PACKET) > 0.001]
        assert all(abs(at - 5.0) < 2 * PACKET for at in uneven)  # where a second is missing
        off = [at - number * PACKET for at, number in found if number is not None]
        assert off[:seam] == pytest.approx([0.0] * seam, abs=0.001)
        assert off[seam:] == pytest.approx([-1.0] * (len(heard) - seam), abs=0.001)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_sound_that_comes_and_goes_holds_nothing_up(name: str, tmp_path: Path) -> None:
    sounds = aac_packets(3.5, 6.0, START_US)
    recording = session(tmp_path, name, sounds[0].track)
    pictures = h264_packets(n / 25 for n in range(251))
    part = part_of(tmp_path / name)
    closed = write(recording, pictures[:75], [])
    with av.open(str(part)) as film:
        shown = [float(each.pts * each.time_base) for each in film.demux(video=0) if each.size]
    assert shown[-1] > 2.3  # a fragment has 0.4 s
    closed += write(recording, pictures[75:], sounds)
    (path,) = finish(recording, closed)
    found = sound_of(path)
    assert [number for _, number in found if number is not None] == [each.seq for each in sounds]
    assert found[0] == (0.0, None)
    assert found[-1][0] == pytest.approx(10.0, abs=0.05)
    assert all(b - a == pytest.approx(PACKET, abs=0.0015) for (a, _), (b, _) in pairwise(found))


def test_sound_that_begins_later_begins_another_file(tmp_path: Path) -> None:
    sounds = aac_packets(1.0, 4.0, START_US)
    recording = session(tmp_path, "a.mp4", None)
    pictures = h264_packets((n / 25 for n in range(101)), keyframes=1.0)
    closed = write(recording, pictures[:30], sounds[:10])
    recording.sound.track = sounds[0].track
    closed += write(recording, pictures[30:], sounds[10:])
    first, second = finish(recording, closed)
    with av.open(str(first)) as film:
        assert not film.streams.audio
    found = numbers(second)  # from the key frame at 2 s on
    assert (found[0] - sounds[0].seq) * PACKET == pytest.approx(1.0, abs=PACKET)
    assert found == list(range(found[0], found[-1] + 1))


def test_pictures_that_pause_do_not_pile_up_sound(tmp_path: Path) -> None:
    sounds = aac_packets(0.0, 30.0, START_US)
    recording = session(tmp_path, "a.mp4", sounds[0].track)
    times = [n / 25 for n in range(50)] + [28 + n / 25 for n in range(25)]
    closed = write(recording, h264_packets(times), [each for each in sounds if each.seq < 1350])
    first, second = finish(recording, closed)
    assert numbers(first)[0] == 0
    assert numbers(first)[-1] < 3.1 / PACKET
    assert numbers(second)[0] == pytest.approx(28 / PACKET, abs=1)
    with av.open(str(first)) as film:
        assert film.duration < 3_100_000


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
@pytest.mark.parametrize("fps", [25, 1])
def test_a_crash_loses_less_than_a_second_of_sound_and_pictures(
    name: str, fps: int, tmp_path: Path
) -> None:
    sounds = aac_packets(0.0, 6.0, START_US)
    recording = session(tmp_path, name, sounds[0].track)
    pictures = h264_packets((n / fps for n in range(6 * fps)), keyframes=1.0)
    write(recording, pictures, sounds)
    source = os.open(part_of(tmp_path / name), os.O_RDONLY)
    target = os.open(tmp_path / f"whole.{name}", os.O_RDWR | os.O_CREAT)
    copied = copy(source, target, recording.plan.format.container.muxer, {})
    os.close(source)
    os.close(target)
    found = sound_of(tmp_path / f"whole.{name}")
    assert [number for _, number in found] == list(range(len(found)))
    assert found[-1][0] > 5.0
    assert all(at == pytest.approx(number * PACKET, abs=0.001) for at, number in found)
    assert copied.frames >= len(pictures) - fps + 1
    finish(recording, [])


def test_an_avi_has_no_sound(tmp_path: Path) -> None:
    sounds = aac_packets(0.0, 1.0, START_US)
    recording = session(tmp_path, "a.avi", sounds[0].track)
    (path,) = finish(recording, write(recording, timed_frames(n / 10 for n in range(10)), sounds))
    with av.open(str(path)) as film:
        assert not film.streams.audio


def test_sound_of_rtsp_cameras_survives_a_kill_in_the_only_file_of_each(tmp_path: Path) -> None:
    names = "aac", "alaw"

    def seconds(server: ServerProcess, name: str) -> float:
        lines = server.command_lines(f"status {name}")
        (text,) = [each.split()[-1] for each in lines if each.startswith("recording_seconds:")]
        return 0.0 if text == "none" else float(text)

    with rtsp() as peer:
        cameras = [["--camera", f"{name}={peer.address('rtsp', '/' + name)}"] for name in names]
        options = [*chain.from_iterable(cameras), "--record", "at_start=on"]
        with ServerProcess(tmp_path, *options) as server:
            wait_for(lambda: all(seconds(server, name) > 2.5 for name in names), "the recordings")
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
    with ServerProcess(tmp_path, "--camera", "pattern:", "--stopped"):
        wait_for(lambda: len(list(tmp_path.glob("*.mp4"))) == 2, "the recovery")
    for name in names:
        (path,) = tmp_path.glob(f"{name}_*.mp4")
        with av.open(str(path)) as film:
            video, audio = film.streams.video[0], film.streams.audio[0]
            assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
            assert audio.rate == 48_000
            ends = [float(each.duration * each.time_base) for each in (video, audio)]
            assert ends[0] > 1.5
            assert ends == pytest.approx([ends[0]] * 2, abs=0.5)
            loud = [np.abs(each.to_ndarray()).max() > 0.1 for each in film.decode(audio=0)]
        assert loud.count(True) > 0.8 * len(loud)
