"""What processes that run tests side by side share, and what each has for itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.once import made_once
from tests.support.process import PATIENCE, ROOT

#: Makes a folder as tests do, and says on a line who it was.
MAKER = """
import os, sys
from pathlib import Path
from tests.support.once import made_once

def make(folder):
    with open(folder.parent / "made", "a") as made:
        print(os.getpid(), file=made)
    (folder / "file").write_text("whole")

print((made_once(Path(sys.argv[1]), make) / "file").read_text())
"""


def test_what_all_of_them_need_is_made_by_one(tmp_path: Path) -> None:
    words = [sys.executable, "-c", MAKER, str(tmp_path / "thing")]
    makers = [subprocess.Popen(words, cwd=ROOT, stdout=-1, text=True) for _ in range(3)]
    said = [maker.communicate(timeout=PATIENCE)[0] for maker in makers]
    assert said == ["whole\n"] * 3
    assert len((tmp_path / "made").read_text().split()) == 1


def test_what_could_not_be_made_is_tried_again(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        made_once(tmp_path / "thing", fail)
    folder = made_once(tmp_path / "thing", lambda folder: (folder / "whole").touch())
    assert os.listdir(folder) == ["whole"]


def test_each_of_them_has_ports_of_its_own() -> None:
    code = "from tests.support.ports import _own_ports; print(*_own_ports())"
    ports: list[set[str]] = []
    for worker in ("gw0", "gw1", "gw2"):
        env = os.environ | {"PYTEST_XDIST_WORKER": worker, "PYTEST_XDIST_WORKER_COUNT": "3"}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, check=True
        )
        ports.append(set(done.stdout.decode().split()))
    assert all(len(each) == 4000 for each in ports)
    assert len(set.union(*ports)) == 12_000
