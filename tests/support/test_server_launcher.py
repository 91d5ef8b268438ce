"""Forked servers behave as those that are started from nothing."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.process import PATIENCE, ServerProcess
from tests.support.server_launcher import PROGRAM, ForkedProcess, can_fork


def test_a_server_has_its_own_environment_arguments_and_signals(tmp_path: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    with ServerProcess(tmp_path, env={"TZ": "Pacific/Chatham"}) as first, ServerProcess(tmp_path):
        assert isinstance(first.process, ForkedProcess)
        environment = Path(f"/proc/{first.process.pid}/environ")
        assert environment.exists()
        assert first.process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            first.process.wait(0.01)
        assert first.end(signal.SIGTERM) == 0
        assert not environment.exists(), "the process is gone, not a zombie"
        assert first.end(signal.SIGTERM) == 0, "a second signal reaches nobody"
    with ServerProcess(tmp_path) as killed:
        assert killed.end(signal.SIGKILL) == -signal.SIGKILL
    assert len(set(os.listdir("/proc/self/fd")) - before) <= 6, "the launcher's, which stays"


def test_an_error_is_written_and_returned() -> None:
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    wrong = ForkedProcess([*PROGRAM, "serve", "--no-such-option"], env)
    said, errors = wrong.communicate(PATIENCE)
    assert (said, wrong.wait(PATIENCE)) == (b"", 2)
    assert b"--no-such-option" in errors


def test_what_has_its_effect_at_the_start_is_not_forked() -> None:
    env = dict(os.environ)
    assert can_fork([*PROGRAM, "serve", "--stopped"], env)
    assert not can_fork([*PROGRAM, "serve", "--stopped"], {**env, "LD_PRELOAD": "x.so"})
    assert not can_fork(["env", "-C", "/", *PROGRAM], env)
