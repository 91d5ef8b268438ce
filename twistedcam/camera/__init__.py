"""A camera: its state machine, the capture of its frames, and its properties."""

from twistedcam.camera.camera import Camera, check_source, source_settings

__all__ = ["Camera", "check_source", "source_settings"]
