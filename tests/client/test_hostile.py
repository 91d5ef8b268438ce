"""What a server says steers neither the terminal nor where files go."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.actions import KeyActions
from client.files import dated, save_snapshot
from client.views import View
from tests.support.frame_peer import HELLO, Peer, picture
from tests.support.process import run_program
from twistedcam import wire
from twistedcam.clients.frames import parse_target
from twistedcam.media.frame import Frame

NASTY = "\x1b]0;title\x07\nsecond\x9b2J"
TOLD = " ]0;title  second 2J"


def test_a_name_from_a_server_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "evil").mkdir()
    state = wire.State("../evil/x", "live", 1, 1).encode()
    with Peer(HELLO, state, picture()) as peer:
        way = ("--headless", "--frames", "1", "--save", f"{tmp_path}/out")
        done = run_program("twistedcam", "view", *way, peer.url, peer.url)
    assert done.returncode == 0, done.stderr
    saved = sorted(each.name for each in (tmp_path / "out").iterdir())
    assert saved == ["_evil_x-00000001-2.jpg", "_evil_x-00000001.jpg"]
    assert not list((tmp_path / "evil").iterdir())


@pytest.mark.parametrize(
    ("camera", "name"),
    [("../x", "_x"), ("/etc/x", "_etc_x"), ("a\0b\n", "a_b_"), ("..", "camera"), ("é" * 99, 64)],
)
def test_recordings_and_snapshots_are_called_plainly(
    tmp_path: Path, camera: str, name: str | int
) -> None:
    path = dated(tmp_path, camera, 0, ".jpg")
    assert path.parent == tmp_path
    assert path.name.startswith("_" * name + "_" if isinstance(name, int) else f"{name}_19")


def test_a_time_of_no_calendar_is_now(tmp_path: Path) -> None:
    assert save_snapshot(tmp_path, "cam", Frame(1, 2**63, 1, 1, b"jpeg")).exists()


def test_a_server_s_words_are_one_line_each() -> None:
    state = wire.State(f"cam{NASTY}", "recovering", reason=NASTY).encode()
    error = wire.Error("no-such-camera", NASTY).encode()
    publish = ("publish", "pattern:?size=160x120", "--once")
    with Peer(HELLO, error) as refusing, Peer(HELLO, state, picture()) as watched:
        for words in (("view", "--headless"), publish):
            done = run_program("twistedcam", *words, refusing.url)
            assert (done.returncode, done.stderr) == (1, f"twistedcam: {TOLD}\n")
        seen = run_program("twistedcam", "view", "--headless", "--frames", "1", watched.url)
    with Peer(HELLO, state, error) as ending:
        sent = run_program("twistedcam", *publish, ending.url)
    for told in (seen.stderr + seen.stdout, sent.stdout):
        assert f"recovering: {TOLD}\n" in told
        assert all(line.isprintable() for line in told.split("\n")), told


def test_figures_and_messages_are_one_line(tmp_path: Path) -> None:
    view = View(parse_target("twistedcam://localhost/cam"))
    view._reader.state = wire.State(f"cam{NASTY}", "live", reason=NASTY)
    assert view.figures().as_line().startswith(f"cam{TOLD} live")
    actions = KeyActions([view], tmp_path)
    actions.say(NASTY)
    assert actions.message == TOLD
