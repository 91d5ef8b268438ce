"""A webcam made out of a file: any program started with its environment sees a V4L2 camera.

>>> with FakeCam() as camera:
...     subprocess.run(["v4l2-ctl", "--list-formats-ext"], env=camera.env)
...     camera.unplug()
"""

from tests.fakecam.build import Unavailable, build, require_fakecam
from tests.fakecam.camera import CONTROLS, Delivered, FakeBus, FakeCam, Format
from tests.fakecam.frames import (
    Stamp,
    encode_h264,
    encode_jpeg,
    encode_yuyv,
    jpeg_size,
    moving_picture,
    read_album,
    stamp_of,
    unstamped,
    write_album,
)

__all__ = [
    "CONTROLS",
    "Delivered",
    "FakeBus",
    "FakeCam",
    "Format",
    "Stamp",
    "Unavailable",
    "build",
    "encode_h264",
    "encode_jpeg",
    "encode_yuyv",
    "jpeg_size",
    "moving_picture",
    "read_album",
    "require_fakecam",
    "stamp_of",
    "unstamped",
    "write_album",
]
