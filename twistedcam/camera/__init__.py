"""A camera: its lifecycle, its thread, its frames."""

from twistedcam.camera.camera import Camera, check_source
from twistedcam.camera.thread import InlineThread, ReaderThread, Thread

__all__ = ["Camera", "InlineThread", "ReaderThread", "Thread", "check_source"]
