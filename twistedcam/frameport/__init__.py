"""The frame port: viewers and publishers over any byte stream. See docs/frame-protocol.md."""

from twistedcam.frameport.server import FrameFactory, FrameProtocol

__all__ = ["FrameFactory", "FrameProtocol"]
