"""Pictures for the fake webcam, and the file that holds them ready-made (an album).

An album is ``FAKECAM1``, the number of frames (u32) and 0 (u32), then for each frame its offset in
the file and its length (u64 each), then the frames; little-endian. The library maps it and loops
over it.
"""

from __future__ import annotations

import re
import struct
import tempfile
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

_HEAD = struct.Struct("<8sII")
_ENTRY = struct.Struct("<QQ")
_STAMP = re.compile(rb"\xff\xfe\x00.FAKECAM (\d{10}) (\d{20})", re.DOTALL)


def write_album(path: Path, frames: Iterable[bytes]) -> None:
    """Write `frames` (bytes as a camera would hand them out) to `path`, in one atomic step."""
    pictures = list(frames)
    if not pictures:
        raise ValueError("a camera needs at least one frame")
    offset = _HEAD.size + _ENTRY.size * len(pictures)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(_HEAD.pack(b"FAKECAM1", len(pictures), 0))
        for picture in pictures:
            file.write(_ENTRY.pack(offset, len(picture)))
            offset += len(picture)
        file.writelines(pictures)
    Path(file.name).replace(path)


def read_album(path: Path) -> list[bytes]:
    """The frames of an album, in order."""
    data = path.read_bytes()
    magic, count, _ = _HEAD.unpack_from(data)
    if magic != b"FAKECAM1":
        raise ValueError(f"{path} is not an album of frames")
    entries = (_ENTRY.unpack_from(data, _HEAD.size + _ENTRY.size * i) for i in range(count))
    return [data[offset : offset + length] for offset, length in entries]


def moving_picture(width: int = 1280, height: int = 720, count: int = 60) -> Iterator[Image]:
    """`count` BGR pictures (height, width, 3) of a scene that pans and has things moving in it.

    Soft shapes at several scales and a little sensor noise: at JPEG quality 80 a picture of
    1280x720 takes about 98 KB, what webcams give indoors. The same pictures at every call; the
    last leads back to the first.
    """
    random = np.random.default_rng(720)
    scene = np.zeros((height, 2 * width, 3), np.float32)
    for cells, weight in ((5, 90), (17, 45), (61, 28), (190, 16)):
        patch = random.random((cells, 2 * cells, 3), np.float32)
        scene += weight * cv2.resize(patch, (2 * width, height), interpolation=cv2.INTER_CUBIC)
    grain = random.normal(0, 2.4, (2 * height, 2 * width)).astype(np.float32)
    for index in range(count):
        turn = 2 * np.pi * index / count
        left = round((1 + np.sin(turn)) * width / 2)
        picture = np.clip(scene[:, left : left + width], 0, 255).astype(np.uint8)
        for number, colour in enumerate(((60, 80, 230), (90, 200, 90), (220, 140, 60))):
            phase = turn + 2.1 * number
            x = width * (0.5 + 0.35 * np.cos(phase))
            y = height * (0.5 + 0.3 * np.sin(2 * phase))
            cv2.circle(picture, (round(x), round(y)), height // 10, colour, -1, cv2.LINE_AA)
        cv2.putText(
            picture,
            f"{index:03d}",
            (width // 40, height // 8),
            cv2.FONT_HERSHEY_SIMPLEX,
            height / 240,
            (255, 255, 255),
            max(1, height // 120),
            cv2.LINE_AA,
        )
        down, across = random.integers(0, height), random.integers(0, width)
        noisy = picture + grain[down : down + height, across : across + width, None]
        yield np.clip(noisy, 0, 255).astype(np.uint8)


def encode_jpeg(image: Image, quality: int = 80) -> bytes:
    """A baseline JPEG with the standard Huffman tables, as a webcam's chip makes it."""
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError("OpenCV cannot encode this picture")
    return data.tobytes()


def encode_yuyv(image: Image) -> bytes:
    """The picture (BGR, of even width) as YUYV 4:2:2, BT.601: two bytes a pixel."""
    height, width, _ = image.shape
    yuv = cv2.cvtColor(image, cv2.COLOR_BGR2YUV)
    packed = np.empty((height, width, 2), np.uint8)
    packed[..., 0] = yuv[..., 0]
    packed[:, 0::2, 1] = yuv[:, 0::2, 1]
    packed[:, 1::2, 1] = yuv[:, 0::2, 2]
    return packed.tobytes()


def encode_h264(
    images: Iterable[Image], keyframe_every: int = 15, codec: str = "libx264"
) -> list[bytes]:
    """The pictures (BGR) as access units in Annex B, each key frame with its parameter sets.

    An album of a multiple of `keyframe_every` pictures is a stream that has no end. codec:
    ``libx265`` for H.265."""
    coder: Any = None
    units: list[bytes] = []
    for image in images:
        if coder is None:
            coder = av.CodecContext.create(codec, "w")
            coder.height, coder.width = image.shape[:2]
            coder.pix_fmt, coder.time_base = "yuv420p", Fraction(1, 30)
            options = f"keyint={keyframe_every}:scenecut=0:bframes=0:repeat-headers=1"
            coder.options = {
                "preset": "ultrafast",
                "tune": "zerolatency",
                f"{codec.removeprefix('lib')}-params": options,
            }
        units += map(bytes, coder.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
    return units + (list(map(bytes, coder.encode(None))) if coder else [])


def jpeg_size(jpeg: bytes) -> tuple[int, int]:
    """(width, height) as the JPEG's frame header says (ITU-T T.81, B.2.2)."""
    at = 2
    while at + 9 <= len(jpeg) and jpeg[at] == 0xFF:
        if jpeg[at + 1] in (0xC0, 0xC1, 0xC2):
            height, width = struct.unpack_from(">HH", jpeg, at + 5)
            return width, height
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    raise ValueError("no frame header in this JPEG")


class Stamp(NamedTuple):
    """What a stamped frame says of itself: `sequence` as the driver counts, `time` of capture in
    nanoseconds of CLOCK_MONOTONIC (compare with ``time.monotonic_ns()``)."""

    sequence: int
    time: int


def stamp_of(jpeg: bytes) -> Stamp | None:
    """The stamp in a JPEG that no program has altered on its way; None without one."""
    found = _STAMP.search(jpeg, 0, 200)
    return Stamp(int(found[1]), int(found[2])) if found else None


def unstamped(jpeg: bytes) -> bytes:
    """The album's own bytes of a stamped frame."""
    return _STAMP.sub(b"", jpeg[:200], count=1) + jpeg[200:]
