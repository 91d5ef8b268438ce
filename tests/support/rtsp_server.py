"""A real RTSP server (GStreamer's) with a password: run by the system's Python, which has gi.

    /usr/bin/python3 rtsp_server.py PORT USER PASSWORD

The paths are those of ``CODECS``: a moving picture of 320x240 at 15 a second. ``/sizes`` changes to
160x120 and back every second.
"""

import itertools
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

PICTURES = (
    "videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=15/1 ! "
)
SIZES = (
    "videotestsrc is-live=true ! videoscale ! capsfilter name=size "
    "caps=video/x-raw,format=I420,width=320,height=240,framerate=15/1 ! "
)
X264 = "x264enc tune=zerolatency key-int-max=15 speed-preset=ultrafast "
H264 = f"{X264} ! rtph264pay name=pay0 pt=96 "
SOUND = "audiotestsrc is-live=true ! audio/x-raw,channels=1,rate="
CODECS = {
    "/h264": f"{PICTURES} x264enc tune=zerolatency key-int-max=15 ! rtph264pay name=pay0 pt=96",
    "/jpeg": f"{PICTURES} jpegenc ! rtpjpegpay name=pay0 pt=26",
    "/slices": f"{PICTURES} {X264} sliced-threads=true threads=4 ! "
    "rtph264pay name=pay0 pt=96 config-interval=-1",
    "/bframes": f"{PICTURES} x264enc bframes=2 b-adapt=false key-int-max=15 ! "
    "video/x-h264,profile=main ! "
    "rtph264pay name=pay0 pt=96 config-interval=1",
    "/h265": f"{PICTURES} x265enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! "
    "rtph265pay name=pay0 pt=96",
    "/sizes": f"{SIZES} {X264} ! rtph264pay name=pay0 pt=96",
    "/aac": f"{PICTURES} {H264} {SOUND}48000 ! voaacenc ! aacparse ! rtpmp4gpay name=pay1 pt=97",
    "/alaw": f"{PICTURES} {H264} {SOUND}8000 ! alawenc ! rtppcmapay name=pay1 pt=8",
    "/ulaw": f"{PICTURES} {H264} {SOUND}8000 ! mulawenc ! rtppcmupay name=pay1 pt=0",
    "/opus": f"{PICTURES} {H264} {SOUND}48000 ! opusenc ! rtpopuspay name=pay1 pt=97",
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
        factory.set_launch(f"( {codec} )")
        factory.set_shared(True)
        structure = Gst.Structure.new_empty("viewer")
        for right in ("media.factory.access", "media.factory.construct"):
            structure.set_value(right, True)
        factory.add_role_from_structure(structure)
        if path == "/sizes":
            factory.connect("media-configure", change_sizes)
        server.get_mount_points().add_factory(path, factory)
    server.attach(None)
    GLib.MainLoop().run()


def change_sizes(_: object, media: GstRtspServer.RTSPMedia) -> None:
    """Change the size of the pictures every second."""
    filtered = media.get_element().get_child_by_name("size")
    widths = itertools.cycle((160, 320))

    def change() -> bool:
        width = next(widths)
        size = f"width={width},height={width * 3 // 4}"
        text = f"video/x-raw,format=I420,{size},framerate=15/1"
        filtered.set_property("caps", Gst.Caps.from_string(text))
        return True

    GLib.timeout_add_seconds(1, change)


if __name__ == "__main__":
    main(*sys.argv[1:])
