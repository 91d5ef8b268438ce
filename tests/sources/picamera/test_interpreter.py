"""The Python that has Picamera2."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from twistedcam.sources.picamera import interpreter


def test_the_named_one_is_used_before_this_one_and_this_one_before_the_systems(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert interpreter.find_python({interpreter.VARIABLE: "/opt/python"}) == "/opt/python"
    system = tmp_path / "python3"
    monkeypatch.setattr(interpreter, "_SYSTEM", str(system))
    assert interpreter.find_python({}) == sys.executable  # there is no other
    system.touch()
    assert interpreter.find_python({}) == str(system)
    monkeypatch.setattr(interpreter, "find_spec", lambda name: object())
    assert interpreter.find_python({}) == sys.executable


def test_another_python_does_not_get_the_modules_of_this_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/ours")
    assert interpreter.environment_of(sys.executable)["PYTHONPATH"] == "/ours"
    assert "PYTHONPATH" not in interpreter.environment_of("/usr/bin/python3")
    assert Path(interpreter.command("python")[1]).name == "camera_process.py"
