"""The files of services, which systemd and launchd read."""

from __future__ import annotations

import plistlib
import subprocess
from pathlib import Path

import pytest

from tests.support.system import require_program
from twistedcam.cli.service_files import is_ours, service_file, service_place

HOME = Path("/home/me")
COMMAND = ["/usr/bin/python3", "-m", "twistedcam", "serve", "--camera", 'a=file:50%$ "x"\\y']


@pytest.mark.parametrize("is_system", [False, True], ids=["user", "machine"])
def test_systemd_reads_the_unit_as_it_is_meant(is_system: bool, tmp_path: Path) -> None:
    require_program("systemd-analyze", "systemd")
    unit = tmp_path / "cam.service"
    folder = tmp_path / "100% mine"
    folder.mkdir()
    unit.write_bytes(service_file("linux", "cam", is_system, HOME, folder, COMMAND))
    kind = "--system" if is_system else "--user"
    done = subprocess.run(
        ["systemd-analyze", "verify", kind, "--man=no", "--recursive-errors=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if str(unit) in line or "cam.service" in line]
    assert said == []
    assert r'"a=file:50%%$$ \"x\"\\y"' in unit.read_text()
    assert f"WorkingDirectory={tmp_path}/100%% mine\n" in unit.read_text()


def test_a_service_of_the_machine_has_a_user_of_its_own_and_the_cameras() -> None:
    unit = service_file("linux", "cam", True, HOME, Path("/var/lib/cam"), COMMAND).decode()
    for line in ("DynamicUser=yes", "SupplementaryGroups=video audio", "StateDirectory=cam"):
        assert f"\n{line}\n" in unit
    assert "WantedBy=multi-user.target" in unit
    mine = service_file("linux", "cam", False, HOME, HOME, COMMAND).decode()
    assert "DynamicUser" not in mine
    assert "WantedBy=default.target" in mine


def test_launchd_gets_the_command_and_restarts_it_after_a_failure() -> None:
    content = service_file("darwin", "cam", False, HOME, Path("/f"), COMMAND)
    found = plistlib.loads(content)
    assert found["ProgramArguments"] == COMMAND
    assert found["Label"] == "org.twistedcam.cam"
    assert found["KeepAlive"] == {"SuccessfulExit": False}
    assert found["StandardErrorPath"] == "/home/me/Library/Logs/cam.log"


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_own_files_are_told_from_others(platform: str) -> None:
    content = service_file(platform, "cam", False, HOME, HOME, COMMAND)
    assert is_ours(platform, content)
    for other in (b"", b"[Unit]\n", b"\xff", plistlib.dumps({"Label": "x"}), plistlib.dumps([1])):
        assert not is_ours(platform, other)


def test_places_are_those_of_the_system() -> None:
    environ = {"XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"}
    user = service_place("linux", "cam", False, HOME, 7, environ)
    assert (user.path, user.folder) == (Path("/c/systemd/user/cam.service"), Path("/s/cam"))
    assert user.start[-1] == ("systemctl", "--user", "restart", "cam.service")
    default = service_place("linux", "cam", False, HOME, 7, {})
    assert default.path == HOME / ".config/systemd/user/cam.service"
    machine = service_place("linux", "cam", True, HOME, 0, environ)
    assert (machine.path, machine.folder) == (
        Path("/etc/systemd/system/cam.service"),
        Path("/var/lib/cam"),
    )
    assert machine.stop == (("systemctl", "disable", "--now", "cam.service"),)
    mac = service_place("darwin", "cam", False, HOME, 7, {})
    assert mac.path == HOME / "Library/LaunchAgents/org.twistedcam.cam.plist"
    assert mac.start == (("launchctl", "bootstrap", "gui/7", str(mac.path)),)
    assert mac.stop == (("launchctl", "bootout", "gui/7/org.twistedcam.cam"),)
    assert service_place("darwin", "cam", True, HOME, 0, {}).path.parent == Path(
        "/Library/LaunchDaemons"
    )
