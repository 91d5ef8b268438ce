"""The manual page has every command and option, and is shown without a warning."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.process import PATIENCE
from twistedcam.cli.command_tree import read_command_tree
from twistedcam.cli.manual import make_manual


@pytest.mark.skipif(not shutil.which("man"), reason="man is not installed")
def test_man_shows_it(tmp_path: Path) -> None:
    page = tmp_path / "twistedcam.1"
    page.write_text(make_manual(read_command_tree()))
    done = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", str(page)],
        env={"PATH": "/usr/bin:/bin", "MANWIDTH": "200", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert done.stderr == ""
    shown = " ".join(done.stdout.split())
    for each in read_command_tree().walk():
        if each.path[:1] != ("ctl",):
            assert f"twistedcam {each.name}".strip() in shown
        for option in each.options:
            assert all(flag in shown for flag in option.flags if flag != "--help"), option
    assert "record start [CAMERA] [NAME] [--every EVERY]" in shown
    assert "TWISTEDCAM_TOKEN" in shown


def test_lines_are_no_requests_by_accident() -> None:
    known = {".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".BR", ".RS", ".RE", ".nf", ".fi"}
    for line in make_manual(read_command_tree()).splitlines():
        assert not line.startswith("'")
        assert not line.startswith(".") or line.split()[0] in known, line
