"""A camera: its lifecycle, its thread, its frames."""

from twistedcam.camera.camera import Camera, check_source

__all__ = ["Camera", "check_source"]
