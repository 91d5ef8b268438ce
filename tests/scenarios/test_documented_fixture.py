"""The fixture of docs/embedding.md gives the address of a camera, and leaves no process behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.documents import blocks
from tests.support.process import PATIENCE, ROOT

TEST = """
from twistedcam import connect, read_barcode

def test_its_frames_are_numbered(camera_url):
    for frame in connect(camera_url, reconnect=False):
        assert frame.image.shape == (480, 640, 3)
        assert read_barcode(frame.image).number >= 1
        break
"""


def test_the_fixture_works(tmp_path: Path) -> None:
    (fixture,) = [each.text for each in blocks("python") if "@pytest.fixture" in each.text]
    (tmp_path / "test_cameras.py").write_text(fixture + TEST)
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_cameras.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    assert "1 passed" in result.stdout
