"""A child process imports the same package as its parent, wherever it is started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import twistedcam
from twistedcam.runtime.child_process import child_environment, package_root


def test_the_root_holds_the_package() -> None:
    assert package_root() / "twistedcam" / "__init__.py" == Path(twistedcam.__file__)


def test_a_child_imports_the_same_package_from_any_folder(tmp_path: Path) -> None:
    code = "import twistedcam; print(twistedcam.__file__)"
    command = [sys.executable, "-P", "-S", "-c", code]
    environment = child_environment()
    site = [path for path in sys.path if path.endswith("site-packages")]
    environment["PYTHONPATH"] = os.pathsep.join([environment["PYTHONPATH"], *site])
    found = subprocess.check_output(command, cwd=tmp_path, env=environment, text=True)
    assert found.strip() == twistedcam.__file__


@pytest.mark.parametrize(("before", "after"), [("", ""), ("/a", ":/a")])
def test_the_path_that_was_set_is_kept(
    before: str, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", before)
    after = after.replace(":", os.pathsep)
    assert child_environment()["PYTHONPATH"] == f"{package_root()}{after}"
