"""A real RTSP server (GStreamer's) with a password: run by the system's Python, which has gi.

    /usr/bin/python3 rtsp_server.py PORT USER PASSWORD

``/h264`` and ``/jpeg`` are a moving picture of 320x240 at 15 a second.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

PICTURES = (
    "videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=15/1 ! "
)
CODECS = {
    "/h264": "x264enc tune=zerolatency key-int-max=15 ! rtph264pay name=pay0 pt=96",
    "/jpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
}


def main(port: str, user: str, password: str) -> None:
    """Serve until killed."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=port)
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_digest(user, password, token)
    server.set_auth(auth)
    for path, codec in CODECS.items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(f"( {PICTURES}{codec} )")
        factory.set_shared(True)
        structure = Gst.Structure.new_empty("viewer")
        for right in ("media.factory.access", "media.factory.construct"):
            structure.set_value(right, True)
        factory.add_role_from_structure(structure)
        server.get_mount_points().add_factory(path, factory)
    server.attach(None)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
