"""What people see in place of a camera's name: told everywhere, and changed by a reload."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.camera_rig import Viewer
from tests.support.frame_peer import HELLO, Peer
from tests.support.http_server import serve, state
from tests.support.process import PATIENCE, ServerProcess, wait_for
from twistedcam import wire
from twistedcam.clients.control.blocking import BlockingClient
from twistedcam.clients.frames import parse_target
from twistedcam.config.arguments import options_from
from twistedcam.errors import BadArgument
from twistedcam.util.camera_name import ascii_title, check_title

TITLE = "Haustür & „Garten“ حديقة"
CONFIG = """
[camera.door]
source = "pattern:?size=160x120&fps=20"
title = {title}
[camera.plain]
source = "pattern:?size=160x120&fps=20"
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("titles") / "twistedcam.toml"
    found.write_text(CONFIG.format(title=json.dumps(TITLE, ensure_ascii=False)))
    return found


@pytest.fixture(scope="module")
def server(file: Path) -> Iterator[ServerProcess]:
    with serve(file.parent / "recordings", "--config", str(file)) as running:
        for name in ("door", "plain"):
            wait_for(lambda name=name: running.status(name)["state"] == "live", name)
        yield running


def get(server: ServerProcess, path: str) -> Any:
    with urllib.request.urlopen(server.http + path, timeout=PATIENCE) as answer:
        return answer.read().decode()


def test_a_title_is_told_in_status_lists_and_on_the_page(server: ServerProcess) -> None:
    assert (state(server, "door")["title"], state(server, "plain")["title"]) == (TITLE, "plain")
    cameras = json.loads(get(server, "/api/v1/cameras"))["cameras"]
    assert [(each["camera"], each["title"]) for each in cameras] == [
        *(("door", TITLE), ("plain", "plain"))
    ]
    assert server.status("door")["title"] == TITLE
    page = get(server, "/")
    assert "<figcaption>Haustür &amp; „Garten“ حديقة</figcaption>" in page
    assert "<figcaption>plain</figcaption>" in page
    assert 'src="stream/door"' in page or 'src="/stream/door"' in page


def test_a_title_is_told_with_events_and_on_the_frame_port(server: ServerProcess) -> None:
    with BlockingClient("tcp:{}:{}".format(*server.control)) as control:
        events = control.watch()
        server.command_lines("set door quality 60", "set plain quality 60")
        assert [next(events).get("title"), next(events).get("title")] == [TITLE, None]
        with Viewer(server.frames, "door") as viewer:
            viewer.frames(1)
            assert [(each.camera, each.title) for each in viewer.states] == [("door", TITLE)]
            joined = next(events)
            assert (joined["what"], joined["title"]) == ("joined", TITLE)
    with Viewer(server.frames, "plain") as viewer:
        viewer.frames(1)
        assert [each.title for each in viewer.states] == [None]


def test_a_reload_changes_a_title_and_opens_nothing_anew(server: ServerProcess, file: Path) -> None:
    before = file.read_text()
    with (
        Viewer(server.frames, "door") as viewer,
        BlockingClient("tcp:{}:{}".format(*server.control)) as control,
    ):
        viewer.frames(1)
        events = control.watch("door")
        try:
            file.write_text(CONFIG.format(title='"Back door"'))
            told = server.command_lines("reload")
            assert (told[2], told[-1]) == ("changed: door", "OK")
            event = next(each for each in events if each["event"] == "state")
            assert (event["state"], event["title"]) == ("live", "Back door")
            assert state(server, "door")["title"] == "Back door"
            while viewer.states[-1].title != "Back door":
                viewer.frames(1)
            file.write_text(CONFIG.format(title="''"))
            server.command_lines("reload")
            assert state(server, "door")["title"] == "door"
            while viewer.states[-1].title is not None:
                viewer.frames(1)
        finally:
            file.write_text(before)
            server.command_lines("reload")
        assert state(server, "door")["restarts"] == 0
        assert {each.state for each in viewer.states} == {"live"}


def test_a_title_may_stand_in_any_source_s_address() -> None:
    for source, shown in (
        ("webcam:0?title=Front%20door", "Front door"),
        ("http://10.0.0.7/mjpg?fps=5&title=Front+door", "Front door"),
        ("rtsp://10.0.0.7/1?title=T%C3%BCr", "Tür"),
        ("twistedcam://10.0.0.7/cam?title=%E7%8E%84%E9%96%A2", "玄関"),
    ):
        spec = options_from(["--camera", source]).cameras["cam"]
        assert spec.settings["title"] == shown
        assert "title" not in spec.target


@pytest.mark.parametrize(
    "title", ["a" * 101, "a\nb", "a\0", "evil\u202egpj", "\u2066", " ", "\u3164", "a\u200bb"]
)
def test_what_can_be_no_title_is_refused_at_the_start(title: str, tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match="printable text, at most 100"):
        check_title(title)
    from twistedcam.app.service import CameraService

    words = ("--camera", f"pattern:?title={quote(title)}", "--recordings", str(tmp_path))
    ports = ("--no-http", "--no-rtsp", "--no-control", "--listen", "tcp:0:interface=127.0.0.1")
    with pytest.raises(BadArgument, match="title="):
        CameraService.of(*words, *ports)
    assert check_title("x" * 100)
    assert check_title("Ku\u0308che: Nr. 5 / „Hof“ 📷") == "Küche: Nr. 5 / „Hof“ 📷"


def test_what_is_written_into_pictures_is_ascii() -> None:
    assert ascii_title("door") == "door"
    assert ascii_title("door", "Haustür, Straße 5") == "Haustur, Strasse 5"
    assert ascii_title("front door", "حديقة") == "front-door"
    assert ascii_title("حديقة") == "camera-c6bd75e2"


def test_the_viewer_shows_the_title() -> None:
    from client.composer import figure_lines
    from client.composer import title as window_title
    from client.views import View

    with Peer(HELLO, wire.State("cam", "live", 1, 1, title="Küche\x1b[2J").encode()) as peer:
        view = View(parse_target(peer.url))
        view.start(lambda: None)
        try:
            wait_for(lambda: view.state == "live", "the state")
            assert view.name == "cam"
            assert window_title([view]).startswith("Küche")
            assert "\x1b" not in window_title([view])
            assert figure_lines(view)[0].startswith("Kuche")
        finally:
            view.close()


def test_the_tray_shows_the_title() -> None:
    from tray.menu import describe
    from tray.notices import NotificationFilter
    from tray.state import CameraView

    camera = CameraView.from_status({"camera": "door", "title": TITLE, "state": "stopped"})
    assert describe(camera) == f"{TITLE}: stopped"
    assert describe(CameraView.from_status({"camera": "door"})) == "door: stopped"
    event = {"event": "state", "camera": "door", "state": "recovering", "reason": "unplugged"}
    lost = NotificationFilter().of({**event, "title": TITLE})
    assert lost is not None
    assert lost.title == f"{TITLE}: camera lost"
