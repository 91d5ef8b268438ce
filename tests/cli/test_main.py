"""The program when it is interrupted, and with an output that cannot be written or encode."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from tests.support.process import PATIENCE, ROOT
from twistedcam.cli.main import run_command

FULL = "twistedcam: cannot write: No space left on device\n"


@pytest.mark.parametrize(
    ("line", "buffered", "code", "said"),
    [
        ("serve --check --camera pattern: >/dev/full", True, 1, FULL),
        ("serve --check --camera pattern: >/dev/full", False, 1, FULL),
        ("serve --check --camera pattern: >&-", True, 0, ""),
        ("serve --check --camera pattern: <&- >&- 2>&-", True, 0, ""),
        ("serve --help | true", True, 0, ""),
        ("serve --help | true", False, 0, ""),
        ("ctl --connect tcp:cam..local:1 ping", True, 1, "this is not a host name"),
        ("ctl --connect tcp:127.0.0.1:\u00b2 ping", True, 2, "is not an endpoint"),
        ("ctl --connect tcp:127.0.0.1:" + "9" * 5000 + " ping", True, 2, "is not an endpoint"),
    ],
)
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a Linux device")
def test_a_failing_output_gives_one_line(line: str, buffered: bool, code: int, said: str) -> None:
    done = run(line, PYTHONUNBUFFERED="" if buffered else "1")
    assert done.returncode == code, done.stderr
    assert said in done.stderr and len(done.stderr.splitlines()) == bool(said)


def test_help_that_cannot_be_written_gives_one_line() -> None:
    done = run("ctl --help >/dev/full", PYTHONUNBUFFERED="")
    assert (done.returncode, done.stderr) == (1, FULL)


def test_characters_that_the_encoding_lacks_are_escaped() -> None:
    done = run("ctl --help", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\xb7" in done.stdout


def test_an_interrupted_program_has_only_an_exit_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(_: Any) -> int:
        raise KeyboardInterrupt

    assert run_command(interrupted, None) == 128 + signal.SIGINT  # type: ignore[arg-type]
    assert capsys.readouterr().err == ""


def run(line: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A line for the shell, behind ``twistedcam``."""
    return subprocess.run(
        ["bash", "-c", f"exec {sys.executable} -m twistedcam {line}"],
        cwd=ROOT,
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
