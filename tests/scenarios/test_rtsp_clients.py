"""Video players, recorders and libraries watch cameras by RTSP."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from tests.support.process import PATIENCE, ServerProcess, wait_for
from twistedcam.auth import Grant, TokenFile
from twistedcam.tls.certificate import make_certificate

LOCAL = "tcp:0:interface=127.0.0.1"
CAMERA = ("--camera", "test=pattern:?size=320x240&fps=25")
FAST = ("-analyzeduration", "300000", "-fpsprobesize", "3")


def rtsp_url(server: ServerProcess, scheme: str = "rtsp") -> str:
    """The address of the server's RTSP port."""
    found = re.search(rf"{scheme}://[\d.]+:\d+", "\n".join(server.greeting))
    assert found, server.greeting
    return found[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with RTSP, in the clear and over TLS."""
    folder = tmp_path_factory.mktemp("rtsp")
    make_certificate(folder, ["localhost"], datetime.now(UTC))
    at = f"ssl:0:interface=127.0.0.1:privateKey={folder}/key.pem:certKey={folder}/cert.pem"
    with ServerProcess(folder / "r", *CAMERA, "--rtsp", LOCAL, "--rtsp", at) as running:
        wait_for(lambda: running.status("test")["state"] == "live", "the camera")
        yield running


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result(program: subprocess.Popen[str]) -> str:
    """The output of a program, which has to succeed."""
    out, errors = program.communicate(timeout=PATIENCE)
    assert program.returncode == 0, errors
    return out


def ffprobe(url: str, *options: str) -> subprocess.Popen[str]:
    show = ("-v", "error", "-show_streams", "-of", "json", *FAST)
    return start("ffprobe", *show, *options, url)


def gstreamer(url: str, protocol: str, decoder: str) -> subprocess.Popen[str]:
    """A program that ends when ten decoded pictures have come."""
    source = ("rtspsrc", f"location={url}", f"protocols={protocol}", "latency=100")
    sink = ("fakesink", "num-buffers=10", "sync=false")
    return start("gst-launch-1.0", "-q", *source, "!", *decoder.split(), "!", *sink)


def playbin(url: str) -> subprocess.Popen[str]:
    """The same by GStreamer's player, which chooses everything itself."""
    sink = "video-sink=fakesink num-buffers=10 sync=false"
    return start("gst-launch-1.0", "-q", "playbin", f"uri={url}", sink, "audio-sink=fakesink")


def test_players_show_the_camera_over_tcp_and_udp(server: ServerProcess) -> None:
    url = f"{rtsp_url(server)}/test"
    tcp, udp = ("-rtsp_transport", "tcp"), ("-rtsp_transport", "udp")
    probes = {
        "h264 tcp": ffprobe(url, *tcp),
        "h264 udp": ffprobe(url, *udp),
        "mjpeg tcp": ffprobe(f"{url}?codec=mjpeg", *tcp),
        "mjpeg udp": ffprobe(f"{url}?codec=mjpeg", *udp),
        "h264 tls": ffprobe(f"{rtsp_url(server, 'rtsps')}/test", *tcp),
    }
    programs = []
    if shutil.which("gst-launch-1.0"):
        programs = [
            gstreamer(url, "udp", "rtph264depay ! h264parse ! avdec_h264"),
            gstreamer(f"{url}?codec=mjpeg", "tcp", "rtpjpegdepay ! jpegdec"),
            playbin(url),
        ]
    if shutil.which("mpv"):
        player = ("--no-config", "--really-quiet", "--vo=null", "--ao=null", "--frames=5")
        programs.append(start("mpv", *player, url))
    for name, probe in probes.items():
        [stream] = json.loads(result(probe))["streams"]
        assert stream["codec_name"] == name.split()[0], name
        assert (stream["width"], stream["height"]) == (320, 240), name
    for program in programs:
        result(program)
    wait_for(lambda: server.status("test")["viewers"] == "0", "the end of all viewers")


def test_libraries_read_pictures(server: ServerProcess) -> None:
    url = f"{rtsp_url(server)}/test"
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG)
    pictures = [capture.read() for _ in range(5)]
    capture.release()
    assert all(came and picture.shape == (240, 320, 3) for came, picture in pictures)
    with av.open(f"{url}?codec=mjpeg", options={"rtsp_transport": "tcp"}) as container:
        packets = [next(container.demux(video=0)) for _ in range(5)]
    assert all(bytes(each).startswith(b"\xff\xd8") for each in packets)


class Reader(threading.Thread):
    """Reads pictures by PyAV, and notes the mean brightness of each."""

    def __init__(self, url: str, transport: str) -> None:
        super().__init__(daemon=True)
        self.url = url
        self.transport = transport
        self.means: list[float] = []
        self.times: list[float] = []
        self.must_end = False

    def run(self) -> None:
        options = {"rtsp_transport": self.transport, "analyzeduration": "300000"}
        with av.open(self.url, options=options, timeout=PATIENCE) as container:
            for frame in container.decode(video=0):
                self.means.append(float(np.mean(frame.to_ndarray(format="gray"))))
                self.times.append(float(frame.time or 0))
                if self.must_end:
                    return

    def wait_for(self, is_dark: bool, count: int = 2) -> None:
        """Wait for pictures that are placeholders, or not."""
        self.means.clear()
        wait_for(lambda: sum((each < 70) == is_dark for each in self.means) >= count, "pictures")


def test_readers_stay_while_the_camera_is_stopped_and_started(server: ServerProcess) -> None:
    url = f"{rtsp_url(server)}/test"
    readers: list[Any] = [Reader(url, "tcp"), Reader(f"{url}?codec=mjpeg", "udp")]
    for each in readers:
        each.start()
    for each in readers:
        each.wait_for(is_dark=False)
    shown = server.command_lines("viewers")
    assert shown.count("kind: rtsp") == 2
    assert {"path: sendfile", "path: udp"} <= set(shown)
    assert server.status("test")["viewers_rtsp"] == "2"
    assert server.command_lines("stop test") == ["OK"]
    for each in readers:
        each.wait_for(is_dark=True)
    assert server.command_lines("start test") == ["OK"]
    for each in readers:
        each.wait_for(is_dark=False, count=10)
        assert each.times == sorted(each.times)
        each.must_end = True
    for each in readers:
        each.join(PATIENCE)
    wait_for(lambda: server.status("test")["viewers"] == "0", "the end of all viewers")


def test_tokens_are_passwords_with_any_user_name(tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path / "tokens.toml")
    boss = tokens.add(Grant("boss", frozenset({"control"})))
    viewer = tokens.add(Grant("viewer", frozenset({"view"})))
    tcp = ("-rtsp_transport", "tcp")
    with ServerProcess(
        tmp_path / "r", *CAMERA, "--rtsp", LOCAL, "--tokens", str(tokens.path)
    ) as running:
        host = rtsp_url(running).partition("//")[2]

        def login(password: str) -> subprocess.Popen[str]:
            return ffprobe(f"rtsp://any:{password}@{host}/test", *tcp)

        right, wrong, other = login(viewer), login("wrong"), login(boss)
        assert json.loads(result(right))["streams"]
        assert "401 Unauthorized" in wrong.communicate(timeout=PATIENCE)[1]
        assert "403 Forbidden" in other.communicate(timeout=PATIENCE)[1]
        # A client that knows Digest uses it, where the file has the tokens themselves.
        tokens.remove("viewer")
        nvr = tokens.add(Grant("nvr", frozenset({"view"})), keep=True)
        assert json.loads(result(login(nvr)))["streams"]
