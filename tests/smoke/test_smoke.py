"""Each part once, on whatever Python and packages there are: ``make smoke``."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import av
import cv2
import numpy as np
import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, Request, TextMessage

import twistedcam
from tests.support.process import PATIENCE, ServerProcess, run_program, wait_for
from tests.support.push_service import PushService
from twistedcam.notifications.devices import device_from
from twistedcam.notifications.push_client import PushClient
from twistedcam.notifications.vapid_key import VapidKey

HTTP = ("--http", "tcp:0:interface=127.0.0.1")
CAMERA = ("--camera", "door=pattern:?size=320x240")
#: As long as the recordings are, at least.
SECONDS = 0.5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServerProcess]:
    """A server that has a recording in each container, made in one go."""
    with ServerProcess(folder, *HTTP, *CAMERA) as process:
        for ending in ("mp4", "mkv", "avi", "mov"):
            record(process, f"film.{ending}")
            assert process.command_lines("record stop door")[-1] == "OK"
        yield process


def record(server: ServerProcess, name: str) -> None:
    """Begin a recording; returns when there are some frames in it."""
    assert server.command_lines(f"record start door {name}")[-1] == "OK"
    wait_for(
        lambda: (
            (said := server.status("door")).get("recording") == name
            and float(said.get("recording_seconds", 0)) >= SECONDS
        ),
        "frames in the recording",
    )


def fetch(server: ServerProcess, path: str) -> bytes:
    with urllib.request.urlopen(server.http + path, timeout=PATIENCE) as answer:
        data: bytes = answer.read()
    return data


def listed(server: ServerProcess) -> dict[str, dict[str, Any]]:
    found = json.loads(fetch(server, "/api/v1/recordings"))["recordings"]
    return {item["recording"]: item for item in found}


@pytest.mark.parametrize("ending", ["mp4", "mkv", "avi", "mov"])
def test_a_recording_is_listed_shown_and_plays(server: ServerProcess, ending: str) -> None:
    name = f"film.{ending}"
    item = listed(server)[name]
    assert item["complete"] and item["camera"] == "door"
    assert (item["width"], item["height"]) == (320, 240)
    assert item["seconds"] >= SECONDS
    thumbnail = cv2.imdecode(
        np.frombuffer(fetch(server, f"/recordings/{name}/thumbnail"), np.uint8), cv2.IMREAD_COLOR
    )
    assert thumbnail is not None and thumbnail.shape == (240, 320, 3)
    with av.open(server_file(server, name)) as film:
        assert sum(1 for _ in film.decode(video=0)) >= SECONDS * 15


def server_file(server: ServerProcess, name: str) -> str:
    """A recording as the server gives it, in a file beside it."""
    path = Path(server.command[server.command.index("--recordings") + 1]) / f"fetched.{name}.bin"
    path.write_bytes(fetch(server, f"/recordings/{quote(name)}"))
    return str(path)


def test_the_page_and_all_that_it_names_are_there(server: ServerProcess) -> None:
    page = fetch(server, "/").decode()
    assert "<title" in page and "static/" in page
    assert fetch(server, "/snapshot").startswith(b"\xff\xd8")
    assert json.loads(fetch(server, "/healthz"))
    assert b"twistedcam_" in fetch(server, "/metrics")
    assert "openapi" in json.loads(fetch(server, "/api/v1/openapi.json"))


def test_the_page_s_pictures_come_over_a_websocket(server: ServerProcess) -> None:
    import socket

    host, _, port = server.http.removeprefix("http://").partition(":")
    client = WSConnection(ConnectionType.CLIENT)
    with socket.create_connection((host, int(port)), PATIENCE) as line:
        line.sendall(client.send(Request(host=f"{host}:{port}", target="/live/door")))
        picture = b""
        while b"\xff\xd9" not in picture:
            client.receive_data(line.recv(65536))
            for event in client.events():
                assert isinstance(event, AcceptConnection | BytesMessage | TextMessage), event
                if isinstance(event, BytesMessage):
                    picture += event.data
    assert b"\xff\xd8" in picture


def test_a_program_gets_frames_from_the_frame_port(server: ServerProcess) -> None:
    host, port = server.frames
    for frame in twistedcam.connect(f"twistedcam://{host}:{port}/door"):
        assert frame.image.shape == (240, 320, 3)
        break


def test_the_viewer_shows_and_ends(server: ServerProcess) -> None:
    host, port = server.frames
    done = run_program("client", "--headless", "--frames", "3", f"twistedcam://{host}:{port}/door")
    assert done.returncode == 0, done.stderr


def test_a_killed_server_s_recording_is_finished_at_the_next_start(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, *HTTP, *CAMERA) as first:
        for name in ("h264.mp4", "copy.mkv"):
            record(first, name)
            if name == "h264.mp4":
                assert first.command_lines("record stop door")[-1] == "OK"
        first.end(signal.SIGKILL)
    with ServerProcess(tmp_path, *HTTP, *CAMERA) as second:
        wait_for(lambda: "copy.mkv" in listed(second), "the recording that the kill left")
        assert listed(second)["copy.mkv"]["seconds"] > 0
        assert listed(second)["h264.mp4"]["complete"]


def test_each_program_says_its_version_and_its_help() -> None:
    assert twistedcam.__version__ in run_program("twistedcam", "--version", is_forked=False).stdout
    for words in (["twistedcam", "serve", "--help"], ["client", "--help"], ["tray", "--help"]):
        done = run_program(*words, is_forked=False)
        assert done.returncode == 0 and "usage" in done.stdout.lower(), done.stderr


def test_the_tray_is_whole_but_for_its_desktop() -> None:
    script = "import tray.main, tray.menu, tray.icon, tray.link, tray.state; print('whole')"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stdout == "whole\n", done.stderr


def test_a_notification_is_encrypted_and_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = VapidKey(tmp_path, lambda: None).private()
    with PushService(tmp_path / "tls") as service:
        monkeypatch.setenv("SSL_CERT_FILE", str(service.ca))
        client = PushClient(key, "mailto:me@example.org", allows_private=True)
        client.send(device_from(service.device("a"), ""), b'{"kind": "test"}', 60, {})
        assert service.messages == [{"kind": "test"}]
