"""What a test needs from the system: absent, it is skipped on a user's machine, and fails in CI."""

from __future__ import annotations

import os
import shutil


def require(condition: object, reason: str) -> None:
    """Skip the running test with `reason` unless `condition` holds; under ``CI=true`` fail it."""
    if condition:
        return
    import pytest  # not there where the fake webcam alone is used, by the benchmark

    if os.environ.get("CI") == "true":
        pytest.fail(f"missing under CI: {reason}", pytrace=False)
    pytest.skip(reason)


def require_program(name: str, apt: str | None = None) -> str:
    """The path of program `name`; without it the test is skipped, naming Debian package `apt`."""
    path = shutil.which(name)
    require(path, f"{name} is not installed (Debian: apt-get install {apt or name})")
    assert path is not None
    return path
