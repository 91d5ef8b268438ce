"""The tests in docs/testing.md pass with the fixtures, and leave no process behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.documents import blocks
from tests.support.process import PATIENCE, ROOT

EXAMPLES = [each.text for each in blocks("python") if each.file == "docs/testing.md"]


def test_the_documented_tests_pass(tmp_path: Path) -> None:
    plugin, *tests, script = EXAMPLES
    (tmp_path / "conftest.py").write_text(plugin)
    # A script that ends without an error is one more test.
    body = "".join(f"    {line}\n" for line in script.splitlines())
    tests.append(f"def test_without_fixtures():\n{body}")
    for number, text in enumerate(tests):
        (tmp_path / f"test_{number}.py").write_text(text)
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    assert "4 passed" in result.stdout
