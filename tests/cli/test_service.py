"""``twistedcam service``, with a systemctl that only notes what it is asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twistedcam.cli import service
from twistedcam.cli.main import main

SYSTEMCTL = """#!/bin/sh
echo "$@" >> {calls}
if [ -e {fails} ] && grep -q "$2" {fails}; then echo "Job for $3 failed" >&2; exit 1; fi
"""


class Machine:
    """A user's folders, and the calls of ``systemctl``."""

    def __init__(self, folder: Path) -> None:
        self.unit = folder / "config/systemd/user/twistedcam.service"
        self.folder = folder / "state/twistedcam"
        self._calls, self._fails = folder / "calls", folder / "fails"
        self.tools = folder / "bin"
        self.tools.mkdir()
        tool = self.tools / "systemctl"
        tool.write_text(SYSTEMCTL.format(calls=self._calls, fails=self._fails))
        tool.chmod(0o755)
        self.log()

    def fail_at(self, word: str) -> None:
        """Let the calls fail that have this word."""
        self._fails.write_text(word)

    def log(self, *lines: str) -> None:
        """Let the journal have these lines."""
        journal = self.tools / "journalctl"
        journal.write_text("\n".join(["#!/bin/sh", "cat <<'END'", *lines, "END", ""]))
        journal.chmod(0o755)

    def take_calls(self) -> list[str]:
        """The calls since the last time, without ``--user``."""
        lines = self._calls.read_text().splitlines() if self._calls.exists() else []
        self._calls.unlink(missing_ok=True)
        return [line.removeprefix("--user ") for line in lines]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setattr(service.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PATH", f"{made.tools}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Options are not checked, which takes a second."""
    monkeypatch.setattr(service, "_check_options", lambda *_: None)


BEGUN = ["daemon-reload", "enable twistedcam.service", "restart twistedcam.service"]
INSTALL = ("service", "install", "--serve", "--camera pattern:")


def test_it_is_installed_changed_and_removed(
    machine: Machine, unchecked: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(INSTALL) == 0
    assert machine.take_calls() == BEGUN
    assert '"serve" "--camera" "pattern:"\n' in machine.unit.read_text()
    assert machine.folder.is_dir()
    assert f"installed: {machine.unit}\n" in capsys.readouterr().out
    assert main((*INSTALL[:-1], "--config cam.toml --log=a.log")) == 0
    assert machine.take_calls() == BEGUN
    here = os.getcwd()
    assert f'"--config" "{here}/cam.toml" "--log={here}/a.log"\n' in machine.unit.read_text()
    recording = machine.folder / "a.mkv"
    recording.touch()
    assert main(("service", "uninstall")) == 0
    assert machine.take_calls() == ["disable --now twistedcam.service", "daemon-reload"]
    assert not machine.unit.exists()
    assert recording.exists()
    assert main(("service", "uninstall")) == 1
    assert "the service is not installed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("script", "is_told"), [("echo yes", False), ("echo no", True), ("exit 1", True)]
)
def test_lingering_is_proposed_where_it_is_off(
    script: str,
    is_told: bool,
    machine: Machine,
    unchecked: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    loginctl = machine.tools / "loginctl"
    asked = f"show-user {os.getuid()} --property=Linger --value"
    loginctl.write_text(f'#!/bin/sh\n[ "$*" = "{asked}" ] || exit 9\n{script}\n')
    loginctl.chmod(0o755)
    assert main(INSTALL) == 0
    assert ("loginctl enable-linger" in capsys.readouterr().out) == is_told


def test_a_service_that_does_not_start_is_taken_back(
    machine: Machine, unchecked: None, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.fail_at("restart")
    assert main(INSTALL) == 1
    assert "restart twistedcam.service' failed: Job for twistedcam" in capsys.readouterr().err
    assert not machine.unit.exists()


@pytest.mark.parametrize("fails", ["enable", "restart"])
def test_a_change_that_does_not_start_leaves_the_earlier_service_running(
    fails: str, machine: Machine, unchecked: None
) -> None:
    assert main(INSTALL) == 0
    before = machine.unit.read_bytes()
    machine.take_calls()
    machine.fail_at(fails)
    assert main((*INSTALL[:2], "--serve=--no-http")) == 1
    assert machine.unit.read_bytes() == before
    calls = machine.take_calls()
    last = len(calls) - 1 - calls[::-1].index("daemon-reload")
    assert calls[last:] == BEGUN[: BEGUN.index(f"{fails} twistedcam.service") + 1]
    assert last > 0  # after the file was restored


def test_the_reason_of_the_server_is_taken_from_the_journal(
    machine: Machine, unchecked: None, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.fail_at("restart")
    machine.log("Starting twistedcam ...", "twistedcam: cannot listen on tcp:80", "Failed.")
    assert main(INSTALL) == 1
    assert "the service does not start: cannot listen on tcp:80\n" in capsys.readouterr().err


def test_a_unit_of_somebody_else_is_not_touched(
    machine: Machine, unchecked: None, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.unit.parent.mkdir(parents=True)
    machine.unit.write_text("[Unit]\n")
    for action in ("install", "uninstall"):
        assert main(("service", action)) == 1
        assert "was not made by this program" in capsys.readouterr().err
    assert machine.unit.read_text() == "[Unit]\n"
    assert machine.take_calls() == []


def test_options_that_the_server_refuses_are_refused_before(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(("service", "install", "--serve", "--camera patern:")) == 2
    assert "there is no source 'patern'" in capsys.readouterr().err
    assert not machine.unit.exists()
    assert machine.take_calls() == []


def test_the_file_is_shown_and_nothing_changed(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(("service", "show", "--system", "--serve", "--camera pattern:")) == 0
    assert "DynamicUser=yes" in capsys.readouterr().out
    assert machine.take_calls() == []


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("install", "--system", "--user"), 2, "cannot be combined"),
        (("show", "--serve", "--camera 'x"), 2, "--serve: No closing quotation"),
        (("install", "--name", "../x"), 2, "small letters, digits and hyphens"),
        (("uninstall", "--serve", "--camera pattern:"), 2, "takes no options"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: tuple[str, ...],
    code: int,
    message: str,
    machine: Machine,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(("service", *words)) == code
    assert message in capsys.readouterr().err


def test_without_systemd_or_on_another_system_it_says_so(
    machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(INSTALL) == 1
    assert "there is no systemctl on this machine" in capsys.readouterr().err
    monkeypatch.setattr(service.sys, "platform", "win32")
    assert main(INSTALL) == 1
    assert "this system lacks" in capsys.readouterr().err


def test_a_program_that_only_its_owner_can_read_is_no_service_of_the_machine(
    machine: Machine,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(service.sys, "executable", str(closed / "python"))
    assert main(("service", "install", "--system", "--serve", "--camera pattern:")) == 1
    assert f"{closed} cannot be read by the service's user" in capsys.readouterr().err
