"""The client's side of the frame protocol: watch a camera, or publish to one.

:func:`connect` is what most programs need; :class:`FrameClient` is the Twisted service beneath
it, :class:`ClientSession` the protocol without any input or output beneath that.
"""

from twistedcam.viewing.frames import Frames, connect
from twistedcam.viewing.session import ClientSession, ClockOffset
from twistedcam.viewing.target import Target, parse_target

__all__ = ["ClientSession", "ClockOffset", "Frames", "Target", "connect", "parse_target"]
