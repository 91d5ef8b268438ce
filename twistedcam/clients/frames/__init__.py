"""Clients of the frame protocol, which receive or publish a camera's frames.

Most programs use :func:`connect`. It uses :class:`FrameReader`, or :class:`FrameClient` on
Twisted; both use :class:`ClientSession`, the protocol without input and output.
"""

from twistedcam.clients.frames.address import CameraAddress, parse_target
from twistedcam.clients.frames.iterator import Frames, connect
from twistedcam.clients.frames.session import ClientSession, ClockOffset

__all__ = ["CameraAddress", "ClientSession", "ClockOffset", "Frames", "connect", "parse_target"]
