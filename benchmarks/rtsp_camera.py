"""An RTSP camera that replays a clip: run by the system's Python, which has GStreamer's server.

    /usr/bin/python3 rtsp_camera.py PORT FPS CLIP.h264 CLOCK

``/cam`` has the access units of the clip (Annex B, each beginning with a delimiter) again and
again. No encoder runs. The file CLOCK has the time at which each unit was sent last, in the order
of the clip: microseconds since the UNIX epoch, 64 bits each.
"""

import mmap
import struct
import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

#: A delimiter with its start code begins each unit.
DELIMITER = b"\0\0\0\1\x09"


def units_of(clip: bytes) -> list[bytes]:
    """The access units of a clip."""
    return [DELIMITER + unit for unit in clip.split(DELIMITER)[1:]]


def replay(source: Gst.Element, units: list[bytes], fps: float, clock: mmap.mmap) -> None:
    """Push units at their rate until the stream is closed."""
    began, number = time.monotonic(), 0
    while True:
        wait = began + number / fps - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        index = number % len(units)
        struct.pack_into("<Q", clock, 8 * index, time.time_ns() // 1000)
        buffer = Gst.Buffer.new_wrapped(units[index])
        if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
            return
        number += 1


def main(port: str, fps: str, clip: str, clock: str) -> None:
    """Serve until killed."""
    with open(clip, "rb") as file:
        units = units_of(file.read())
    with open(clock, "w+b") as file:
        file.truncate(8 * len(units))
        shared = mmap.mmap(file.fileno(), 8 * len(units))
    Gst.init(None)
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=port)
    factory = GstRtspServer.RTSPMediaFactory()
    caps = f"video/x-h264,stream-format=byte-stream,alignment=au,framerate={fps}/1"
    factory.set_launch(
        f"( appsrc name=source is-live=true format=time do-timestamp=true caps={caps} ! "
        "h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
    )
    factory.set_shared(True)

    def begin(_: object, media: GstRtspServer.RTSPMedia) -> None:
        source = media.get_element().get_child_by_name("source")
        words = (source, units, float(fps), shared)
        threading.Thread(target=replay, args=words, daemon=True).start()

    factory.connect("media-configure", begin)
    server.get_mount_points().add_factory("/cam", factory)
    server.attach(None)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
