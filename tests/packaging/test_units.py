"""The systemd units are what systemd understands, and give the server little to break."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.process import ROOT
from tests.support.system import require_program
from twistedcam.cli.main import main

UNITS = ROOT / "packaging" / "systemd"
DOCKERFILE = (ROOT / "packaging" / "docker" / "Dockerfile").read_text()


def test_the_unit_is_exposed_to_2_0_at_most(tmp_path: Path) -> None:
    require_program("systemd-analyze", "systemd")
    unit = tmp_path / "twistedcam.service"
    shutil.copy(UNITS / unit.name, unit)
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= 2.0


def test_the_unit_bounds_what_a_fault_can_take() -> None:
    lines = (UNITS / "twistedcam.service").read_text().splitlines()
    said = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    assert said["LimitCORE"] == "0"
    assert said["MemoryMax"].endswith("%")
    assert 256 <= int(said["TasksMax"]) <= 4096


def test_an_upgrade_of_the_package_starts_the_service_again() -> None:
    """With --no-start the scripts of the package would neither stop nor restart what runs."""
    rules = (ROOT / "packaging" / "debian" / "debian" / "rules").read_text()
    assert re.findall(r"^\tdh_installsystemd(.*)$", rules, re.MULTILINE) == [" --no-enable"]


def test_the_image_is_built_with_the_versions_that_are_tested() -> None:
    assert "-c requirements/test.txt" in DOCKERFILE
    assert (ROOT / "requirements" / "test.txt").exists()


def test_an_image_and_a_package_have_all_extras_of_the_server() -> None:
    """What runs from them cannot be given more."""
    rules = (ROOT / "packaging" / "debian" / "debian" / "rules").read_text()
    for text in (DOCKERFILE, rules):
        found = re.search(r"\[([a-z,]+)\]'", text)
        assert found
        assert set(found[1].split(",")) >= {"mqtt", "discovery", "push", "prompt"}


def test_any_user_may_write_the_folder_of_a_new_volume() -> None:
    [(mode, folder)] = re.findall(r"install -d .*-m (\d+) (\S+)", DOCKERFILE)
    assert (mode, folder) == ("1777", "/var/lib/twistedcam")
    for keyword in ("WORKDIR", "VOLUME"):
        assert f"\n{keyword} {folder}\n" in DOCKERFILE


def test_the_server_of_the_image_starts_with_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    [entry] = re.findall(r"ENTRYPOINT (\[[^]]*\])", DOCKERFILE.replace("\\\n", ""))
    server = [*json.loads(entry)[1:], "--check"]
    assert main(server) == 2
    assert "make one with 'twistedcam token add" in capsys.readouterr().err
    [token] = re.findall(r"# +twistedcam (token add .*)", DOCKERFILE)
    assert main(token.split()) == 0
    assert main(server) == 0
