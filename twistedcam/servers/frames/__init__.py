"""The server of the frame protocol, for viewers and publishers. See docs/frame-protocol.md."""

from twistedcam.servers.frames.server import FrameFactory, FrameProtocol

__all__ = ["FrameFactory", "FrameProtocol"]
