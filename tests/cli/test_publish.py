"""``twistedcam publish``: a camera of this machine is shown by a server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.support.fakes import CameraRig, FakeScheme
from tests.support.odd_jpegs import make_jpeg
from tests.support.packet_streams import packet
from tests.support.process import PATIENCE, ROOT, ServerProcess, run_program, wait_for
from tests.support.viewer import Viewer
from twistedcam import Frame, wire
from twistedcam.cli.publish import Publishing
from twistedcam.clients.frames import parse_target
from twistedcam.clients.frames.publisher import Publisher
from twistedcam.media.packet import Packet
from twistedcam.media.sound_config import sound_track

CAMERA = "pattern:?size=160x120&fps=20"


def test_a_camera_is_published_until_a_signal(tmp_path: Path) -> None:
    output = tmp_path / "output"
    with ServerProcess(tmp_path, "--camera", "door=push:") as server, output.open("w") as out:
        host, port = server.frames
        words = [sys.executable, "-m", "twistedcam", "publish", CAMERA]
        publisher = subprocess.Popen(
            [*words, f"twistedcam://{host}:{port}/door"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            viewer = Viewer(server.frames)
            frame = viewer.until(wire.FrameMessage).frame
            assert (frame.width, frame.height) == (160, 120)
            viewer.close()
            there = f"twistedcam://{host}:{port}/door: live\n"  # may come after the viewer
            wait_for(lambda: there in output.read_text(), "the publisher to hear of it")
        finally:
            publisher.send_signal(signal.SIGTERM)
            _, log = publisher.communicate(timeout=PATIENCE)
        assert publisher.returncode == 0, log
        assert f"{CAMERA}: live\n" in output.read_text()
        wait_for(lambda: server.status()["state"] == "recovering", "the server to notice")


def test_a_refusal_ends_the_program_with_its_reason(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--camera", f"cam={CAMERA}") as server:
        host, port = server.frames
        for camera, reason in (("cam", "push:"), ("nowhere", "no camera 'nowhere'")):
            done = run_program(
                "twistedcam", "publish", CAMERA, f"twistedcam://{host}:{port}/{camera}"
            )
            assert done.returncode == 1
            assert reason in done.stderr
            assert "Traceback" not in done.stderr


def test_with_once_a_missing_server_ends_the_program() -> None:
    done = run_program("twistedcam", "publish", "--once", CAMERA, "twistedcam://127.0.0.1:1/cam")
    assert done.returncode == 1
    assert done.stderr.startswith("twistedcam: ")


def test_a_push_camera_cannot_be_published() -> None:
    done = run_program("twistedcam", "publish", "push:", "twistedcam://127.0.0.1:1/cam")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("twistedcam: push: cannot be published")


class _Publisher:
    server_codecs: tuple[str, ...] = ()
    target = "there"

    def __init__(self) -> None:
        self.seqs: list[int] = []

    def take(self, frame: Frame) -> None:
        self.seqs.append(frame.seq)


def test_the_camera_s_own_packets_are_published_if_the_server_takes_them() -> None:
    with FakeScheme():
        camera = CameraRig().camera
    for codecs, expected in ((("mjpeg", "h264"), "h264"), (("mjpeg",), "mjpeg")):
        publisher = _Publisher()
        publisher.server_codecs = codecs
        publishing = Publishing(None, camera, publisher)  # type: ignore[arg-type]
        camera.stream.publish(packet(1, True))
        publishing._on_state(wire.State("cam", "live"))
        publishing._on_state(wire.State("cam", "live"))
        hub = camera.stream.packets if expected == "h264" else camera.stream.frames
        assert publishing in hub
        assert publishing._subscription is not None
        publishing._subscription.close()


def test_sound_is_published_if_the_server_takes_it() -> None:
    with FakeScheme():
        camera = CameraRig().camera
    track = sound_track("aac", b"\x14\x08")
    for codecs, count in ((("mjpeg",), 0), (("mjpeg", "aac", "opus"), 1)):
        publisher = Publisher(None, parse_target("twistedcam://localhost"))
        publishing = Publishing(None, camera, publisher)
        with patch.object(Publisher, "server_codecs", codecs):
            publishing._on_state(wire.State("cam", "live"))
        camera.stream.publish(packet(1, True))
        camera.stream.publish(Packet(track, 1, 10**15 + 40_000, 0, b"aac"))
        assert len(camera.stream.sound) == count


def test_a_picture_that_the_server_would_refuse_is_skipped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    publisher, data = _Publisher(), make_jpeg(64, 48)
    with FakeScheme():
        publishing = Publishing(None, CameraRig().camera, publisher)  # type: ignore[arg-type]
    for seq, picture in enumerate((data, data + data, b"\n" + data, data), 1):
        publishing.take(Frame(seq, seq, 64, 48, picture))
    publishing.take(Frame(5, 5, 65, 48, data))
    assert publisher.seqs == [1, 4]
    assert publishing.skipped == 3
    assert capsys.readouterr().out == ("fake:: skipped: frame 2: bytes follow the JPEG\n")
