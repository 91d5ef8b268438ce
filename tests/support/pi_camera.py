"""A fake Raspberry Pi camera: its moods, and the Python that has its Picamera2."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

MODULES = Path(__file__).with_name("fake_pi")


class FakePi:
    """A computer with a camera.

    Arguments:
        folder: for its files.
        python: the Python that has Picamera2.
    """

    def __init__(self, folder: Path, python: str = sys.executable, model: str = "4") -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)
        self.set_mood("ok")
        self.python = folder / "python3"
        self._variables = f"FAKE_PI='{folder}' FAKE_PI_MODEL={model}"
        self._real_python = python
        self.set_installed(True)

    @property
    def env(self) -> dict[str, str]:
        """The variables for the server."""
        return {"TWISTEDCAM_PICAMERA_PYTHON": str(self.python)}

    def set_installed(self, is_installed: bool) -> None:
        """Change whether the Python has Picamera2, from its next start on."""
        path = MODULES if is_installed else ""
        variables = f"{self._variables} PYTHONPATH='{path}'"
        new = self._folder / "python3.new"
        new.write_text(f"#!/bin/sh\nexec env {variables} '{self._real_python}' \"$@\"\n")
        new.chmod(0o755)
        os.replace(new, self.python)

    def set_mood(self, mood: str) -> None:
        """Change what the camera does, from its next opening or picture on."""
        new = self._folder / "mood.new"
        new.write_text(mood)
        os.replace(new, self._folder / "mood")

    @property
    def pid(self) -> int:
        """The process that uses the camera; 0 if there is none."""
        try:
            return int((self._folder / "pid").read_text())
        except (FileNotFoundError, ValueError):
            return 0

    @property
    def controls(self) -> dict[str, Any]:
        """All controls that were set, by libcamera's names."""
        found: dict[str, Any] = json.loads((self._folder / "controls").read_text())
        return found
