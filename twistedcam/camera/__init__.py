"""A camera: its state machine, the capture of its frames, and its properties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twistedcam.camera.source_settings import check_source, source_settings
from twistedcam.util.late_names import import_late

if TYPE_CHECKING:
    from twistedcam.camera.camera import Camera

__all__ = ["Camera", "check_source", "source_settings"]

#: What is imported when it is first asked for: options name sources, and open none.
_LATER = {"Camera": "twistedcam.camera.camera:Camera"}


def __getattr__(name: str) -> Any:
    return import_late(globals(), _LATER, name)
