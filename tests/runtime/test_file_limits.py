"""A server uses as many files as the system allows, and keeps some free."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.process import ServerProcess
from tests.support.system import require


def test_a_server_may_open_as_many_files_as_the_system_lets_it(tmp_path: Path) -> None:
    require(sys.platform == "linux", "the limits of another process are read from /proc")
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard <= 512:
        pytest.skip("the hard limit leaves nothing to raise")
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        with ServerProcess(tmp_path, "--camera", "pattern:") as server:
            limits = Path(f"/proc/{server.process.pid}/limits").read_text()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    [line] = [line for line in limits.splitlines() if line.startswith("Max open files")]
    assert line.split()[3:5] == [str(hard), str(hard)]
