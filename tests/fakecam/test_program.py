"""``python -m tests.fakecam``: a program with a fake webcam."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from tests.support.process import PATIENCE, ROOT

#: Says that it is ready, then waits to be interrupted.
PROGRAM = """
import signal, sys
try:
    print("ready", flush=True)
    signal.pause()
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(7)
"""


def test_ctrl_c_ends_the_program_and_its_exit_code_is_told() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.fakecam", "--", sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "ready\n"
        os.killpg(started.pid, signal.SIGINT)  # as a terminal sends it: to all of them
        assert started.stdout.readline() == "interrupted\n"
        assert started.wait(PATIENCE) == 7
