"""A camera: its state machine, the capture of its frames, and its properties."""

from twistedcam.camera.camera import Camera
from twistedcam.camera.source_settings import check_source, source_settings

__all__ = ["Camera", "check_source", "source_settings"]
