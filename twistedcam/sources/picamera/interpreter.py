"""The Python that has Picamera2, and how it runs the program that reads the camera.

Picamera2 needs libcamera's bindings, which the package index does not have: they belong to the
system's libcamera, for the system's Python. A virtual environment without the system's packages
does not see them. So the camera is read by the system's Python then, whatever its version.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

#: The variable with the path of another Python that has Picamera2.
VARIABLE = "TWISTEDCAM_PICAMERA_PYTHON"
INSTALL = "sudo apt install python3-picamera2 (Raspberry Pi OS)"
_SYSTEM = "/usr/bin/python3"
_PROGRAM = Path(__file__).with_name("camera_process.py")
#: Variables that are for this program's Python.
_OWN = frozenset({"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONEXECUTABLE"})


def find_python(environment: Mapping[str, str] | None = None) -> str:
    """Return the Python that reads cameras: that of the variable, this one, or the system's."""
    named = (os.environ if environment is None else environment).get(VARIABLE)
    if named:
        return named
    return sys.executable if _is_here() or not os.path.exists(_SYSTEM) else _SYSTEM


def command(python: str) -> list[str]:
    """Return the command that runs the program."""
    return [python, str(_PROGRAM)]


def environment_of(python: str) -> dict[str, str]:
    """Return the environment for the program: another Python does not get our modules."""
    if python == sys.executable:
        return dict(os.environ)
    return {name: value for name, value in os.environ.items() if name not in _OWN}


def _is_here() -> bool:
    return find_spec("picamera2") is not None
