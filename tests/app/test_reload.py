"""A reload applies what has changed in the configuration, and nothing else."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.support.camera_rig import Viewer
from tests.support.process import ServerProcess, wait_for
from twistedcam.app.reload import STATE_FILES, move_state
from twistedcam.config.options import ServeOptions
from twistedcam.errors import BadArgument
from twistedcam.recording.library.hidden_folder import HIDDEN, HiddenFolder

BEFORE = """
[camera.one]
source = "pattern:?size=320x240&fps=10"
[camera.two]
source = "pattern:?size=320x240&fps=10"
[camera.three]
source = "pattern:?size=320x240&fps=10"
"""
AFTER = """
log-level = "warn"
[camera.one]
source = "pattern:?size=320x240&fps=10"
[camera.two]
source = "pattern:?size=640x480&fps=10"
[camera.four]
source = "pattern:?size=320x240&fps=10"
"""


def test_a_reload_affects_changed_cameras_only(tmp_path: Path) -> None:
    file = tmp_path / "twistedcam.toml"
    file.write_text(BEFORE)
    with (
        ServerProcess(tmp_path / "recordings", "--config", str(file)) as server,
        Viewer(server.frames, "one") as same,
        Viewer(server.frames, "two") as changed,
    ):
        assert same.frames(1)[0].width == changed.frames(1)[0].width == 320
        file.write_text(AFTER)
        assert server.command_lines("reload") == [
            *("added: four", "removed: three", "changed: two", "needs_restart: log-level", "OK"),
        ]
        changes = "added: four; removed: three; changed: two; needs restart: log-level"
        assert f"the configuration was reloaded: {changes}" in server.log
        while changed.frames(1)[0].width != 640:
            pass
        same.frames(3)
        assert {state.state for state in same.states} <= {"starting", "live"}
        wait_for(lambda: server.status("four")["state"] == "live", "the new camera")
        assert server.status("one")["restarts"] == "0"
        assert server.command_lines("status three")[0].startswith("ERR no-such-camera")


def test_logins_and_what_was_saved_go_to_the_folder_of_the_next_start(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    options = ServeOptions(recordings=old, read_again=lambda: ServeOptions(recordings=new))
    old.mkdir()
    move_state(options)  # there is nothing to move
    texts = {name: name.encode() for name in STATE_FILES}
    for name, data in texts.items():
        HiddenFolder(old).write(name, data)
    HiddenFolder(old).write("index.json", b"of the recordings")
    HiddenFolder(new).write("settings.json", b"of another server")
    move_state(ServeOptions(recordings=old, read_again=lambda: options))  # it is the same folder
    assert HiddenFolder(old).read("logins.json", 99)[0] == b"logins.json"
    move_state(options)
    for name, data in texts.items():
        kept = name == "settings.json"
        assert HiddenFolder(new).read(name, 99)[0] == (b"of another server" if kept else data)
        assert (old / HIDDEN / name).exists() == kept
    assert (old / HIDDEN / "index.json").exists()
    assert not (new / HIDDEN / "index.json").exists()


def test_what_cannot_be_moved_stays(tmp_path: Path) -> None:
    def broken() -> ServeOptions:
        raise BadArgument("the file is broken")

    old = tmp_path / "old"
    old.mkdir()
    HiddenFolder(old).write("logins.json", b"x")
    (tmp_path / "file").touch()
    below = ServeOptions(recordings=tmp_path / "file" / "new")
    for again in (broken, lambda: below, None):
        move_state(ServeOptions(recordings=old, read_again=again))
        assert HiddenFolder(old).read("logins.json", 99)[0] == b"x"


def test_an_invalid_configuration_changes_nothing_and_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "twistedcam.toml"
    file.write_text(BEFORE)
    with ServerProcess(tmp_path / "recordings", "--config", str(file)) as server:
        file.write_text(AFTER + "[camera.five]\nsource = 'nonsense:'")
        assert server.command_lines("reload")[0].startswith("ERR bad-argument there is no source")
        file.write_text("[")
        assert "is not valid TOML" in server.command_lines("reload")[0]
        assert server.status("three")["camera"] == "three"


def test_sighup_reloads_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "twistedcam.toml"
    file.write_text(BEFORE)
    with ServerProcess(tmp_path / "recordings", "--config", str(file)) as server:
        file.write_text(AFTER)
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "camera: four" in server.command_lines("cameras"), "the new camera")


def test_without_a_file_there_is_nothing_to_reload(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--camera", "pattern:") as server:
        assert server.command_lines("reload")[0].startswith("ERR not-supported")
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "nothing was reloaded" in server.log, "the log")
        assert server.command_lines("ping") == ["OK"]


def test_what_was_saved_holds_over_a_hangup_until_the_file_says_something_else(
    tmp_path: Path,
) -> None:
    file = tmp_path / "twistedcam.toml"
    text = "[camera.{}]\nsource = 'pattern:?size=320x240'\nfps = {}\nquality = {}\n"
    file.write_text(text.format("cam", 10, 80))
    options = (tmp_path / "recordings", "--config", str(file))

    def asked(server: ServerProcess) -> list[str]:
        lines = server.command_lines("get cam fps", "get cam quality")
        return [line.removeprefix("value: ") for line in lines if line.startswith("value: ")]

    with ServerProcess(*options) as server:
        server.command_lines("set cam fps 5", "set cam quality 60")
        assert "saved: fps=5 quality=60" in server.command_lines("save cam")
        file.write_text(text.format("cam", 10, 80) + text.format("new", 10, 80))
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "camera: new" in server.command_lines("cameras"), "the new camera")
        assert asked(server) == ["5.0", "60"]
        file.write_text(text.format("cam", 10, 70))
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: asked(server)[1] == "70", "the file's quality")
        assert asked(server)[0] == "5.0", "of the rate it says what it said"
    with ServerProcess(*options) as server:
        wait_for(lambda: server.status()["state"] == "live", "a picture")
        assert asked(server) == ["5.0", "70"]
