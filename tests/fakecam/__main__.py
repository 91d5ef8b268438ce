"""``python -m tests.fakecam [options] -- command …``: runs a program in front of a fake webcam."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from tests.fakecam import FakeBus, Format, Unavailable, encode_yuyv, read_album


def _size(text: str) -> tuple[int, int]:
    width, height = map(int, text.split("x"))
    return width, height


def _frames(path: Path, fourcc: str) -> list[bytes]:
    """The frames in `path`: an album, a folder of JPEGs, or what FFmpeg (through OpenCV) plays."""
    if path.is_dir():
        return [file.read_bytes() for file in sorted(path.glob("*.jp*g"))]
    with path.open("rb") as file:
        if file.read(8) == b"FAKECAM1":
            return read_album(path)
    video = cv2.VideoCapture(str(path))
    frames: list[bytes] = []
    if fourcc == "MJPG":
        video.set(cv2.CAP_PROP_FORMAT, -1)  # the packets as they are: the file must hold JPEGs
    while len(frames) < 600:
        there, picture = video.read()
        if not there:
            break
        frames.append(
            picture.tobytes() if fourcc == "MJPG" else encode_yuyv(np.asarray(picture, np.uint8))
        )
    return frames


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fakecam", description=__doc__)
    parser.add_argument("--format", choices=("mjpg", "yuyv"), help="offer this format alone")
    parser.add_argument("--size", type=_size, default=(1280, 720), metavar="WxH")
    parser.add_argument("--fps", type=Fraction, default=Fraction(30))
    parser.add_argument("--frames", type=Path, help="album, folder of JPEGs, or video file")
    parser.add_argument("--cameras", type=int, default=1, help="how many: video0, video2, …")
    parser.add_argument("--stamp", action="store_true", help="sequence and time in each JPEG")
    parser.add_argument("--directory", type=Path, help="where the camera's files go and stay")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    command = options.command[options.command[:1] == ["--"] :]
    if not command:
        parser.error("which program? python -m tests.fakecam -- ffplay /dev/video0")
    names = [options.format.upper()] if options.format else ["MJPG", "YUYV"]
    width, height = options.size
    formats = [
        Format(
            name,
            width,
            height,
            (options.fps,),
            _frames(options.frames, name) if options.frames else None,
        )
        for name in names
    ]
    try:
        bus = FakeBus(options.directory)
    except Unavailable as reason:
        parser.error(str(reason))
    with bus:
        for number in range(0, 2 * options.cameras, 2):
            camera = bus.plug(formats, number=number, stamp=options.stamp)
            print(f"{camera.path}: its mood is in {camera.control_file}", file=sys.stderr)
        # It reaches the program, which decides. A handler, because SIG_IGN would be inherited.
        signal.signal(signal.SIGINT, lambda *_: None)
        with subprocess.Popen(command, env=bus.env) as program:
            signal.signal(signal.SIGTERM, lambda *_: program.terminate())
            return program.wait()


if __name__ == "__main__":
    sys.exit(main())
