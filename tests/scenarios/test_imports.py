"""What each command of the program imports: no more than it needs."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.fakecam import FakeCam, Format, encode_jpeg, moving_picture, require_fakecam
from tests.support.camera_rig import Viewer, serving
from tests.support.http_server import serve
from tests.support.movies import START, make_numbered, numbers_in
from tests.support.process import PATIENCE, ROOT, ServerProcess, wait_for

#: Libraries for pictures and video: 10 to 30 MB each.
LARGE = {"cv2", "av", "numpy", "PIL", "simplejpeg"}
#: Libraries for some ways to use the server.
OCCASIONAL = {"requests", "prometheus_client", "wsproto", "h11"}
#: Parts of the server, and of libraries, that a webcam on a page without recordings does not need.
PARTS = {
    "twisted.web.server",
    "twisted.web.static",
    "twistedcam.camera.properties.picamera",
    "twistedcam.camera.ptz.onvif_motors",
    "twistedcam.delivery.workers",
    "twistedcam.onvif",
    "twistedcam.recording.mp4",
    "twistedcam.recording.playback.piece",
    "twistedcam.rtsp.sdp",
    "twistedcam.servers.discovery",
    "twistedcam.servers.http.recordings",
    "twistedcam.servers.http.streams.video",
    "twistedcam.servers.http.streams.websocket",
    "twistedcam.servers.mqtt.bridge",
    "twistedcam.servers.onvif.endpoint",
    "twistedcam.servers.rtsp",
    "multiprocessing",
    "xml.etree",
}
#: What encrypted connections need.
TLS = {"OpenSSL", "cryptography", "twisted.internet.ssl"}
#: Writes the names of all modules that a process has imported in its life, at its end.
SITECUSTOMIZE = """
import atexit, os, sys
def write():
    with open(os.path.join({folder!r}, f"{{os.getpid()}}.modules"), "w") as file:
        file.write("\\n".join(sys.modules))
atexit.register(write)
"""


class Modules:
    """Reads what the processes started with ``variables`` have imported."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "sitecustomize.py").write_text(SITECUSTOMIZE.format(folder=str(folder)))
        self.variables = {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}

    def imported_by(self, pid: int) -> set[str]:
        """The packages that a process has imported, which has ended."""
        return set((self._folder / f"{pid}.modules").read_text().split())


@pytest.fixture
def modules(tmp_path: Path) -> Modules:
    folder = tmp_path / "modules"
    folder.mkdir()
    return Modules(folder)


@pytest.mark.parametrize(
    ("command", "forbidden"),
    [
        ("--version", {"twisted", "asyncio", "ssl"}),
        ("--help", {"twisted", "asyncio", "ssl"}),
        ("devices", {"twisted", "asyncio", "ssl"}),
        ("ctl --help", {"twisted", "asyncio", "cryptography", "msgspec"}),
        ("completion bash", TLS | {"twistedcam.app.service"}),
        ("man", TLS | {"twistedcam.app.service"}),
        ("serve --help", TLS | {"twistedcam.app.service", "twistedcam.camera.camera", "automat"}),
        ("token add me --right view", {"twisted", "asyncio", "ssl", "cryptography", "msgspec"}),
    ],
)
def test_a_small_command_imports_little(
    command: str, forbidden: set[str], tmp_path: Path, modules: Modules
) -> None:
    started = subprocess.Popen(
        [sys.executable, "-m", "twistedcam", *command.split()],
        cwd=tmp_path,
        env={**os.environ, **modules.variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    started.wait(PATIENCE)
    found = modules.imported_by(started.pid)
    assert "twistedcam.cli.main" in found
    assert found & (LARGE | OCCASIONAL | forbidden) == set()


def test_a_server_that_passes_jpegs_on_imports_only_what_it_uses(
    tmp_path: Path, modules: Modules
) -> None:
    require_fakecam()
    jpegs = [encode_jpeg(picture) for picture in moving_picture(640, 480, 8)]
    options = ("--camera", "webcam:0?format=mjpg", "--http", "tcp:0:interface=127.0.0.1")
    with FakeCam([Format("MJPG", 640, 480, (30,), jpegs)]) as camera:
        server = serving(tmp_path / "recordings", camera.bus, *options)
        server.env["PYTHONPATH"] = modules.variables["PYTHONPATH"]
        with server:
            with Viewer(server.frames) as viewer:
                viewer.frames(40)  # more than the first second
            urllib.request.urlopen(f"{server.http}/stream", timeout=PATIENCE).close()
            urllib.request.urlopen(f"{server.http}/snapshot", timeout=PATIENCE).close()
            urllib.request.urlopen(f"{server.http}/", timeout=PATIENCE).close()
            assert server.command_lines("version")[-1] == "OK"
            # A viewer that sees the camera end gets a placeholder, which Pillow draws.
            wait_for(lambda: server.status()["viewers"] == "0", "the end of all viewers")
        found = modules.imported_by(server.process.pid)
    assert "twistedcam.sources.webcam.v4l2_reader" in found
    assert found & (LARGE | OCCASIONAL | PARTS) == set()


def test_a_server_is_ready_to_play_recordings_once_they_are_looked_for(
    tmp_path: Path, modules: Modules
) -> None:
    def starting() -> ServerProcess:
        server = serve(tmp_path, "--stopped", env=modules.variables)
        server.is_forked = False
        return server

    make_numbered(tmp_path / "1.mp4", 0, 30)
    with starting() as server:
        wait_for(lambda: "files: 1" in server.command_lines("spans door --gap 1h"), "the recording")
        # On a thread, which the end of the server does not wait for.
        maps = Path(f"/proc/{server.process.pid}/maps")
        wait_for(lambda: "_multiarray_umath" in maps.read_text(), "the import of numpy")
    found = modules.imported_by(server.process.pid)
    assert {"twistedcam.recording.playback.planner", "numpy"} <= found
    assert "twistedcam.servers.http.playback" not in found  # nobody has played one
    with starting() as server:
        piece = f"{server.http}/playback/door?start={START}"
        with urllib.request.urlopen(piece, timeout=PATIENCE) as answer:
            assert numbers_in(answer.read()) == list(range(30))
    found = modules.imported_by(server.process.pid)
    assert "twistedcam.servers.http.playback" in found
    assert found & {"twisted.web.server", "twisted.web.static", "av"} == set()
