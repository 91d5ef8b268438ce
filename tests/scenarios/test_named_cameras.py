"""Cameras whose names are not plain ASCII: every way to them, by name and by URL-safe form."""

from __future__ import annotations

import json
import shlex
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, Request

from tests.support.camera_rig import Viewer
from tests.support.http_server import serve
from tests.support.process import PATIENCE, ServerProcess, run_program, wait_for
from twistedcam.clients.control.blocking import BlockingClient
from twistedcam.util.camera_name import url_safe

GARDEN = "حديقة"
NAMES = ("front door", "Küche", GARDEN)
MADE = "Küche.motion"
SOURCE = "pattern:?size=160x120&fps=10"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    options = [word for name in NAMES for word in ("--camera", f"{name}={SOURCE}")]
    options += ["--process", "Kuche=twistedcam.examples.motion:motion", "--process-in", "thread"]
    with serve(tmp_path_factory.mktemp("recordings"), *options) as running:
        for name in (*NAMES, MADE):
            wait_for(lambda name=name: status(running, name)["state"] == "live", name)
        yield running


def ask(server: ServerProcess, path: str, method: str = "GET", token: str = "") -> Any:
    """An answer's body: JSON, or bytes."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = b"{}" if method == "POST" else None
    request = urllib.request.Request(server.http + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        body = answer.read()
        return json.loads(body) if "json" in answer.headers["Content-Type"] else body


def status(server: ServerProcess, name: str) -> Any:
    return ask(server, f"/api/v1/cameras/{quote(name)}")


def both(name: str) -> tuple[str, str]:
    """How a camera can be named in an address."""
    return quote(name), url_safe(name)


@pytest.mark.parametrize("name", [*NAMES, MADE])
def test_http_has_pictures_by_either_name(server: ServerProcess, name: str) -> None:
    for word in both(name):
        for path in (
            f"/snapshot/{word}",
            f"/snapshot?camera={word}",
            f"/?action=snapshot&camera={word}",
        ):
            assert ask(server, path).startswith(b"\xff\xd8"), path
        assert ask(server, f"/state?camera={word}")["result"]["instance_id"] == name
        assert ask(server, f"/snapshot/{quote(name)}?camera={word}").startswith(b"\xff\xd8")
        with urllib.request.urlopen(f"{server.http}/stream/{word}", timeout=PATIENCE) as stream:
            assert b"image/jpeg" in stream.read(2000)
        told = status(server, name)
        assert (told["camera"], told["url_name"]) == (name, url_safe(name))


@pytest.mark.parametrize("name", [*NAMES, MADE])
def test_a_websocket_has_pictures_by_either_name(server: ServerProcess, name: str) -> None:
    host = server.http.removeprefix("http://")
    address, _, port = host.partition(":")
    for word in both(name):
        client, found = WSConnection(ConnectionType.CLIENT), list[Any]()
        with socket.create_connection((address, int(port)), PATIENCE) as connection:
            connection.sendall(client.send(Request(host=host, target=f"/live/{word}")))
            while not any(isinstance(each, BytesMessage) for each in found):
                client.receive_data(connection.recv(1 << 16) or None)
                found += client.events()
        assert isinstance(found[0], AcceptConnection)


@pytest.mark.parametrize("name", [*NAMES, MADE])
def test_the_frame_port_has_pictures_by_either_name(server: ServerProcess, name: str) -> None:
    for word in (name, url_safe(name)):
        with Viewer(server.frames, word) as viewer:
            viewer.frames(1)
            assert {state.camera for state in viewer.states} == {name}
        done = run_program(
            *("client", "--headless", "--frames", "2"),
            "twistedcam://{}:{}/{}".format(*server.frames, quote(word)),
        )
        assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_is_made_listed_had_and_deleted(server: ServerProcess, name: str) -> None:
    for word in (shlex.quote(name), f'"{name}"', url_safe(name)):
        for ending in ("", "mkv", "avi", "mov"):
            # Where the ending is given the name is a person's; else it begins as the camera's.
            file = f"{ord(word[0])}-{url_safe(name)}.{ending}" if ending else ""
            told = server.command_lines(f"record start {word} {file}")
            recording = told[0].removeprefix("recording: ")
            assert told[-2:] == [f"recording: {recording}", "OK"] or told[1] == "OK", told
            assert recording == file or recording.startswith(f"{name.replace(' ', '_')}_")
            wait_for(lambda: (status(server, name)["recording_frames"] or 0) > 2, "frames")
            assert "OK" in server.command_lines(f"record stop {word}")
            listed = ask(server, "/api/v1/recordings")["recordings"]
            [item] = [each for each in listed if each["recording"] == recording]
            assert item["camera"] == name
            path = f"/recordings/{quote(recording)}"
            assert len(ask(server, path)) == item["size"]
            assert ask(server, f"{path}/thumbnail").startswith(b"\xff\xd8")
            ask(server, f"/api/v1{path}", "DELETE")
            assert not ask(server, "/api/v1/recordings")["recordings"]
    told = server.command_lines(f"snapshot {shlex.quote(name)}")
    assert told[0].startswith(f"snapshot: {name.replace(' ', '_')}_")
    listed = ask(server, "/api/v1/snapshots")["snapshots"]
    file = told[0].removeprefix("snapshot: ")
    assert [each["camera"] for each in listed if each["snapshot"] == file] == [name]


def test_commands_take_either_name_and_events_have_the_real_one(server: ServerProcess) -> None:
    control = "tcp:{}:{}".format(*server.control)
    with BlockingClient(control) as one, BlockingClient(control) as other:
        listed = [each["camera"] for each in one.ask("cameras")["cameras"]]
        assert listed == [*NAMES, MADE]
        for name in NAMES:
            for word in (name, url_safe(name)):
                events = other.watch(word)
                assert one.ask("set", word, "quality", "70")["value"] == 70
                assert next(events)["camera"] == name
                assert ask(server, f"/api/v1/cameras/{quote(word)}/stop", "POST") == {}
                assert next(events)["state"] == "stopped"
                assert one.ask("start", word) == {}
                assert ask(server, f"/events?camera={quote(word)}", "HEAD") == b""
                assert status(server, word)["state"] == "live"
        unknown = server.command_lines("status 'back door'", "status 'front door")
        assert unknown[0].startswith("ERR no-such-camera there is no camera 'back door'; there is ")
        assert unknown[1].startswith("ERR bad-argument a quote is not closed")


def test_metrics_have_the_name(server: ServerProcess) -> None:
    lines = ask(server, "/metrics").decode().splitlines()
    for name in (*NAMES, MADE):
        assert f'twistedcam_camera_state{{camera="{name}",state="live"}} 1.0' in lines


def test_a_relay_shows_such_a_camera_and_can_have_such_a_name(
    server: ServerProcess, tmp_path: Path
) -> None:
    words = [word for name in NAMES for word in both(name)]
    options = []
    for number, word in enumerate(words):
        source = "twistedcam://{}:{}/{}".format(*server.frames, word)
        options += ["--camera", f"{number} 屋={source}"]
    with ServerProcess(tmp_path, *options) as relay:
        for number in range(len(words)):
            with Viewer(relay.frames, f"{number} 屋") as viewer:
                viewer.frames(1)
        relay.end()
        assert "Traceback" not in relay.log


def test_a_token_for_one_such_camera_opens_that_one(tmp_path: Path) -> None:
    tokens = {}
    for holder, camera in (("cook", "Küche"), ("gardener", url_safe(GARDEN))):
        words = ("token", "add", holder, "--right", "view", "--right", "control")
        done = run_program("twistedcam", *words, "--camera", camera, cwd=tmp_path)
        tokens[holder] = done.stdout.strip()
    options = [word for name in NAMES for word in ("--camera", f"{name}={SOURCE}")]
    with serve(tmp_path / "r", *options, "--tokens", str(tmp_path / "tokens.toml")) as server:
        for holder, own in (("cook", "Küche"), ("gardener", GARDEN)):
            token = tokens[holder]
            path = f"/snapshot/{quote(own)}"
            wait_for(lambda path=path, token=token: code(server, path, token) == 200, own)
            for name in NAMES:
                for word in both(name):
                    for path in ("/snapshot/", "/snapshot?camera=", "/api/v1/cameras/"):
                        found = code(server, path + word, token)
                        assert found == (200 if name == own else 403), path + word
            told = ask(server, "/api/v1/cameras", token=token)
            assert [each["camera"] for each in told["cameras"]] == [own]
            lines = server.command_lines(
                f"auth {token}",
                *(f"record start '{name}' clip" for name in NAMES),
                f"record stop '{own}'",
            )
            assert lines.count(f"recording: {url_safe(own)}+clip.mp4") == 2, lines
            assert sum(line.startswith("ERR unauthorized") for line in lines) == 2, lines


def code(server: ServerProcess, path: str, token: str) -> int:
    """The status with which a request is answered."""
    try:
        ask(server, path, token=token)
    except urllib.error.HTTPError as error:
        return error.code
    return 200
