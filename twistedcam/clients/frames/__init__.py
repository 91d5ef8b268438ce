"""The client's side of the frame protocol: watch a camera, or publish to one.

:func:`connect` is what most programs need; :class:`FrameClient` is the Twisted service beneath
it, :class:`ClientSession` the protocol without any input or output beneath that.
"""

from twistedcam.clients.frames.address import CameraAddress, parse_target
from twistedcam.clients.frames.iterator import Frames, connect
from twistedcam.clients.frames.session import ClientSession, ClockOffset

__all__ = ["CameraAddress", "ClientSession", "ClockOffset", "Frames", "connect", "parse_target"]
