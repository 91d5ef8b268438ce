"""Tools for tests of programs that use cameras.

``pytest_plugins = ["twistedcam.testing.plugin"]`` adds the fixtures. See docs/testing.md.
"""

from __future__ import annotations

from twistedcam.testing.failing_camera import FailingCamera
from twistedcam.testing.server import CameraServer

__all__ = ["CameraServer", "FailingCamera"]
