"""A camera's video to other servers: RTMP, RTSP, HLS, WHIP."""

from twistedcam.publishing.publications import Publications
from twistedcam.publishing.target import Target, parse_publish, parse_target

__all__ = ["Publications", "Target", "parse_publish", "parse_target"]
