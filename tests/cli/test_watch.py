"""``twistedcam ctl watch`` on a terminal, and the restored terminal afterwards."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.process import PATIENCE, ROOT, ServerProcess
from tests.support.terminal import Screen
from twistedcam.clients.control.blocking import BlockingClient

FULL_SCREEN, BACK = "\x1b[?1049h", "\x1b[?1049l"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("recordings")
    pattern = "pattern:?size=160x120&fps=20"
    with ServerProcess(folder, "--camera", f"cam={pattern}", "--camera", f"b={pattern}") as running:
        yield running


@pytest.fixture
def client(server: ServerProcess) -> Iterator[BlockingClient]:
    with BlockingClient("tcp:{}:{}".format(*server.control), PATIENCE) as client:
        client.ask("start", "cam")
        yield client


@pytest.fixture
def watch(server: ServerProcess) -> Iterator[Callable[..., Screen]]:
    made: list[Screen] = []

    def start(*words: str, hidden: str = "") -> Screen:
        """``ctl WORDS``, with a module that is not installed."""
        code = "import sys; from twistedcam.cli import main; "
        code += f"sys.modules[{hidden!r}] = None; " if hidden else ""
        command = [sys.executable, "-c", code + "sys.exit(main())", "ctl"]
        endpoint = "tcp:{}:{}".format(*server.control)
        env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "NO_COLOR": "1"}
        made.append(Screen(*command, "--connect", endpoint, *words, env=env, size=(120, 20)))
        return made[-1]

    yield start
    for each in made:
        each.close()


def restart(client: BlockingClient, camera: str) -> None:
    """Make two events."""
    client.ask("stop", camera)
    client.ask("start", camera)


def test_the_view_follows_cameras_and_events(
    watch: Callable[..., Screen], client: BlockingClient
) -> None:
    view = watch("watch")
    view.wait_for(FULL_SCREEN)
    view.wait_to_show("cam     live        160x120")
    # Events have their own connection, which may be made later than that of the states.
    view.wait_to_show("event: state camera=b", lambda: restart(client, "b"))
    view.resize(110, 16)
    client.ask("stop", "cam")
    view.wait_to_show("cam     stopped")
    view.wait_to_show("event: state camera=cam state=stopped")
    client.ask("start", "cam")
    name = client.ask("record", "start", "cam")["recording"]
    view.wait_to_show(f"B  {name}")  # after its duration and size
    view.wait_to_show(f"name={name}")
    view.type("q")
    assert view.process.wait(PATIENCE) == 0
    view.wait_for(BACK)
    assert view.is_back()


def test_the_view_can_show_one_camera(watch: Callable[..., Screen], client: BlockingClient) -> None:
    view = watch("watch", "b")
    view.wait_to_show("b       live")
    assert "cam     " not in view.shown
    view.process.send_signal(signal.SIGTERM)
    view.wait_for(BACK)
    assert view.process.wait(PATIENCE) == 128 + signal.SIGTERM
    assert view.is_back()


def test_the_view_reconnects_to_the_server(tmp_path: Path, watch: Callable[..., Screen]) -> None:
    with ServerProcess(tmp_path, "--camera", "pattern:?fps=20") as server:
        view = watch("--connect", "tcp:{}:{}".format(*server.control), "watch")
        view.wait_to_show("cam     live")
    view.wait_to_show("no server at")
    again = "tcp:{1}:interface={0}".format(*server.control)
    with ServerProcess(tmp_path, "--control", again, "--camera", "new=pattern:?fps=20"):
        view.wait_to_show("new     live")
        view.type("q")
        assert view.process.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    ("words", "hidden", "shown"),
    [
        (("--json", "watch"), "", '{"event": "state", "camera": "cam", "state": '),
        (("watch",), "prompt_toolkit", "event: state camera=cam state="),
    ],
)
def test_without_a_full_screen_events_are_lines(
    watch: Callable[..., Screen],
    client: BlockingClient,
    words: tuple[str, ...],
    hidden: str,
    shown: str,
) -> None:
    lines = watch(*words, hidden=hidden)
    if hidden:
        lines.wait_for("pip install -e '.[prompt]'")
    lines.wait_for(shown, meanwhile=lambda: client.ask("start", "cam") or client.ask("stop", "cam"))
    lines.type("\x03")
    assert lines.process.wait(PATIENCE) == 0


def test_an_error_is_a_plain_line(watch: Callable[..., Screen]) -> None:
    view = watch("watch", "nope")
    view.wait_for("twistedcam: there is no camera 'nope'")
    assert view.process.wait(PATIENCE) == 1
    assert FULL_SCREEN not in view.seen
