"""Twenty seconds of the endurance test, in each run of the tests."""

from __future__ import annotations

import subprocess
import sys

from tests.fakecam import require_fakecam
from tests.support.process import PATIENCE, ROOT
from tests.support.system import require_program


def test_nothing_is_left_over_after_some_seconds_of_all_that_may_happen() -> None:
    require_fakecam()
    require_program("ffmpeg")
    words = [sys.executable, "-m", "tests.soak", "--seconds", "20"]
    done = subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, timeout=5 * PATIENCE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
