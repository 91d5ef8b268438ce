"""The frame port: viewers and publishers over any byte stream. See docs/frame-protocol.md."""

from twistedcam.servers.frames.server import FrameFactory, FrameProtocol

__all__ = ["FrameFactory", "FrameProtocol"]
