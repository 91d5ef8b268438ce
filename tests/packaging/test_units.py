"""The systemd units are what systemd understands, and give the server little to break."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.process import ROOT
from tests.system import require_program

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
