"""The entry that starts the tray with the desktop."""

from __future__ import annotations

import contextlib
import plistlib
import shlex
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.process import PATIENCE, wait_for
from tests.support.system import require_program
from tray import autostart
from twistedcam.cli.main import main


def test_an_entry_is_installed_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    path = tmp_path / "autostart" / "twistedcam-tray.desktop"
    assert main(["tray", "--install-autostart", "--connect", "tls:cellar", "--token", "s3"]) == 0
    assert str(path) in capsys.readouterr().out
    assert "tls:cellar" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert main(["tray", "--install-autostart"]) == 0
    assert "cellar" not in path.read_text()
    assert main(["tray", "--remove-autostart"]) == 0
    assert not path.exists()
    assert main(["tray", "--remove-autostart"]) == 0
    assert "there was none" in capsys.readouterr().out


def test_wrong_options_are_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert main(["tray", "--install-autostart", "--connect", "a:b"]) == 2
    assert main(["tray", "--install-autostart", "--serve", "'"]) == 2
    assert main(["tray", "--install-autostart", "--remove-autostart"]) == 2
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    assert main(["tray", "--install-autostart"]) == 1
    error = capsys.readouterr().err
    assert "cannot be written" in error
    assert error.count("\n") == 1


def test_the_desktop_starts_just_what_was_asked_for(tmp_path: Path) -> None:
    gio = require_program("gio", "libglib2.0-bin")
    said, script = tmp_path / "said", tmp_path / "a program"
    target = shlex.quote(str(said))
    script.write_text(
        f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {target}.new\nmv {target}.new {target}\n"
    )
    script.chmod(0o755)
    words = ["--serve=--camera 'a b=pattern:?fps=5'", 'quote"back\\slash', "$HOME `id` 1%", "%f"]
    entry = tmp_path / "entry.desktop"
    autostart.install(entry, autostart.entry([str(script), *words], "linux"))
    done = subprocess.run([gio, "launch", str(entry)], capture_output=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    wait_for(said.exists, "the program")
    assert said.read_text().splitlines() == words


@pytest.mark.parametrize(
    ("change", "is_on"),
    [
        (("", ""), True),
        (("Type=", "Hidden=true\nType="), False),
        (("enabled=true", "enabled=false"), False),
        (("[Desktop Entry]", "[Other]"), False),
        (("[Desktop Entry]\n", ""), False),
    ],
)
def test_an_entry_that_the_desktop_has_turned_off_is_off(
    tmp_path: Path, change: tuple[str, str], is_on: bool
) -> None:
    path = tmp_path / "tray.desktop"
    assert not autostart.is_on(path, "linux")
    autostart.install(path, autostart.entry(["a=b", "%f"], "linux"), "linux")
    path.write_text(path.read_text().replace(*change, 1))
    assert autostart.is_on(path, "linux") is is_on


class Registry(ModuleType):
    """Windows' registry with one key."""

    HKEY_CURRENT_USER, KEY_SET_VALUE = 1, 2

    def __init__(self) -> None:
        super().__init__("winreg")
        self.values: dict[str, bytes] = {}

    def OpenKey(self, *arguments: Any) -> Any:
        return contextlib.nullcontext()

    def QueryValueEx(self, key: Any, name: str) -> tuple[bytes, int]:
        return self._find(name), 3

    def DeleteValue(self, key: Any, name: str) -> None:
        self._find(name)
        del self.values[name]

    def _find(self, name: str) -> bytes:
        if name not in self.values:
            raise FileNotFoundError(name)
        return self.values[name]


def test_an_entry_that_the_task_manager_has_turned_off_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry()
    monkeypatch.setitem(sys.modules, "winreg", registry)
    path = tmp_path / "twistedcam-tray.cmd"
    autostart.install(path, b"@start", "win32")
    assert autostart.is_on(path, "win32")
    registry.values[path.name] = bytes([2, *bytes(11)])
    assert autostart.is_on(path, "win32")
    registry.values[path.name] = bytes([3, *bytes(11)])
    assert not autostart.is_on(path, "win32")
    autostart.install(path, b"@start", "win32")
    assert autostart.is_on(path, "win32")
    autostart.remove(path)
    assert not autostart.is_on(path, "win32")


def test_each_system_has_its_own_place_and_form() -> None:
    home = {"APPDATA": "/roaming", "XDG_CONFIG_HOME": "/config"}
    linux = autostart.entry_path(home, "linux")
    assert linux.as_posix() == "/config/autostart/twistedcam-tray.desktop"
    assert autostart.entry_path(home, "win32").parent.name == "Startup"
    assert autostart.entry_path(home, "darwin").parent.name == "LaunchAgents"
    words = autostart.command(["--view=a b"], "darwin")
    agent = plistlib.loads(autostart.entry(words, "darwin"))
    assert agent["ProgramArguments"] == words
    assert agent["RunAtLoad"] is True
    assert agent["WorkingDirectory"] == str(Path.home())
    assert b'"--view=a 100%%"' in autostart.entry(["py", "--view=a 100%"], "win32")
