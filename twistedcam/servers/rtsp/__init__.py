"""The RTSP port: cameras for video players, recorders and other servers (RFC 2326)."""

from twistedcam.servers.rtsp.server import RtspFactory

__all__ = ["RtspFactory"]
