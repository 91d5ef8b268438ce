"""The systemd units are what systemd understands, and give the server little to break."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.support.process import ROOT
from tests.support.system import require_program

UNITS = ROOT / "packaging" / "systemd"


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


def test_the_image_is_built_with_the_versions_that_are_tested() -> None:
    text = (ROOT / "packaging" / "docker" / "Dockerfile").read_text()
    assert "-c requirements/test.txt" in text
    assert (ROOT / "requirements" / "test.txt").exists()
