"""Recordings here that fail are told, whatever they fail of, and nobody waits for them."""

from __future__ import annotations

import threading
from pathlib import Path

import av
import pytest

from client.actions import KeyActions
from client.loop import ProgressReports, run_loop
from client.recorder import LocalRecorder
from client.screens import NoScreen
from client.views import View
from tests.support.films import h264_packets, read_film
from tests.support.frame_peer import HELLO, Peer, picture
from tests.support.process import PATIENCE, ServerProcess, run_program
from tests.support.sound import START_US, encoded_packets
from twistedcam import wire
from twistedcam.clients.frames import parse_target
from twistedcam.errors import DiskError
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet

SOURCE = "pattern:?size=160x120&fps=20"
LIVE = wire.State("cam", "live", 1, 1).encode()


def test_a_file_that_cannot_be_written_ends_a_viewer_without_a_window(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--camera", SOURCE) as server:
        url = "twistedcam://{}:{}".format(*server.frames)
        # Two frames fail while the file is closed; without an end they fail while it is written.
        for words in (("--frames", "2"), ()):
            way = ("--headless", "--record", f"{tmp_path}/none/v.mkv", *words)
            done = run_program("twistedcam", "view", *way, url)
            assert done.returncode == 1, words
            told = [each for each in done.stderr.splitlines() if "://" not in each]  # states
            assert told == ["twistedcam: v.mkv: No such file or directory"], words


@pytest.mark.parametrize("wrong", [Frame(1, 1, 0, 0, b""), Frame(1, 2**80, 1, 1, b"")])
def test_pictures_that_no_file_can_have_are_an_error_and_no_file(
    tmp_path: Path, wrong: Frame
) -> None:
    ended = threading.Event()
    recorder = LocalRecorder(tmp_path / "v.mkv", ended.set)
    recorder.take(wrong)
    assert ended.wait(PATIENCE)
    with pytest.raises(DiskError, match=r"^v\.mkv: "):
        recorder.close()
    assert not list(tmp_path.iterdir())


def test_packets_are_recorded_unchanged_from_the_first_key_frame_on(tmp_path: Path) -> None:
    packets = h264_packets([number / 25 for number in range(30)], keyframes=0.4)
    second = next(n for n, each in enumerate(packets) if n and each.is_keyframe)
    for ending in (".mp4", ".mkv"):
        recorder = LocalRecorder(tmp_path / f"v{ending}")
        for each in packets[3:]:
            recorder.take(each)
        recorder.close()
        film = read_film(tmp_path / f"v{ending}")
        assert film.codec == "h264"
        assert len(film.times) == len(packets) - second
        assert recorder.dropped == 0


def test_a_recording_ends_after_so_many_frames(tmp_path: Path) -> None:
    packets = h264_packets([number / 25 for number in range(30)], keyframes=0.4)
    recorder = LocalRecorder(tmp_path / "v.mp4", most=12)
    for each in packets[3:]:
        recorder.take(each)
    recorder._thread.join(PATIENCE)  # nobody has closed it: the last picture lasts no longer
    assert len(read_film(tmp_path / "v.mp4").times) == 12
    assert recorder.close().frames == 12


def test_sound_is_recorded_unchanged_with_its_pictures(tmp_path: Path) -> None:
    packets = h264_packets([number / 25 for number in range(30)], keyframes=0.4)
    begin = packets[0].time_us
    for codec, ending in (("opus", ".mkv"), ("aac", ".mp4"), ("aac", ".mkv")):
        recorder = LocalRecorder(tmp_path / f"{codec}{ending}", expects_sound=lambda: True)
        sounds = [
            Packet(each.track, each.seq, each.time_us - START_US + begin, 0, each.data)
            for each in encoded_packets(codec, 1.2)
            if each.time_us >= START_US
        ]
        for each in sorted([*packets, *sounds], key=lambda each: each.time_us):
            recorder.take(each)
        recorder.close()
        with av.open(str(tmp_path / f"{codec}{ending}")) as film:
            [stream] = film.streams.audio
            assert stream.codec_context.name == codec
            found = [bytes(each) for each in film.demux(stream) if each.size]
        sent = [each.data for each in sounds]
        assert len(sent) - 6 <= len(found) <= len(sent) + 3
        assert set(found[3:-3]) <= set(sent)


class Eyes(NoScreen):
    """A screen that is looked at until a message comes."""

    is_seen = True

    def __init__(self) -> None:
        self.said: str | None = None

    def show(self, views: list[View], actions: KeyActions) -> None:
        self.said = actions.message

    def pressed(self) -> list[str]:
        return ["q"] if self.said else []


def test_who_looks_is_told_and_goes_on_without_the_recording(tmp_path: Path) -> None:
    with Peer(HELLO, LIVE, picture(1), picture(2, 2_000_000)) as peer:
        views, eyes = [View(parse_target(peer.url))], Eyes()
        try:
            views[0].record(tmp_path / "none" / "v.mkv")
            actions = KeyActions(views, tmp_path)
            assert run_loop(views, eyes, actions, ProgressReports(views, None, tell_states=False))
            assert eyes.said == "the recording has ended: v.mkv: No such file or directory"
            assert views[0].recorder is None
        finally:
            views[0].close()
