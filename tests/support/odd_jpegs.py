"""JPEGs as odd devices make them, and what they are made of."""

from __future__ import annotations

import base64
import re
import struct
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np

from twistedcam.media import jpeg

#: 32x24 pixels, 4:2:0, with arithmetic codes: no library here can make one.
ARITHMETIC = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywt"
    "QFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09P"
    "T09PT09PT09PT09PT09PT09PT0//yQARCAAYACADASIAAhEBAxEB/8wACgAQEAUBEBEF/9oADAMBAAIRAxEAPwDSM2eE"
    "7dr8MZUIkcRvUCKNorHbumDkPoPOaMNuZsZHBzJ9TWVYkBemouncMHNeHBOG44pHsKlHD86lVBGjoglf0h4Mc4LzBegr"
    "bxrZyp6TXWD8TqMNIV1EMB4L0ojQDMQVVstn1a+h0MJa1JrMspSW8Q/y6kJqqqp0Qvikn43/2Q=="
)


def texture(width: int, height: int, seed: int = 1) -> Any:
    """An image, (height, width, 3), with something everywhere."""
    small = np.random.default_rng(seed).integers(0, 255, (24, 32, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def make_jpeg(width: int = 320, height: int = 240, seed: int = 1, **options: int) -> bytes:
    """A good one. ``quality``, ``restart`` (MCUs), ``progressive``."""
    settings = [
        cv2.IMWRITE_JPEG_QUALITY,
        options.get("quality", 80),
        cv2.IMWRITE_JPEG_RST_INTERVAL,
        options.get("restart", 0),
        cv2.IMWRITE_JPEG_PROGRESSIVE,
        options.get("progressive", 0),
    ]
    return cv2.imencode(".jpg", texture(width, height, seed), settings)[1].tobytes()


def cut(data: bytes, share: float) -> bytes:
    """So much of the picture, with an end marker behind it, as firmware does it."""
    scan = jpeg.read_header(data).scan_at
    end = scan + int((len(data) - scan) * share)
    while data[end - 1] == 0xFF:
        end -= 1
    return data[:end] + jpeg.EOI


def with_padded_restarts(data: bytes) -> bytes:
    """A few bytes too many before each restart marker (Logitech C270)."""
    scan = jpeg.read_header(data).scan_at
    return data[:scan] + re.sub(rb"(?=\xff[\xd0-\xd7])", b"\x15\x2a\x54", data[scan:])


def with_orientation(data: bytes, orientation: int, order: str = "MM") -> bytes:
    """With EXIF that has an orientation, and a tag before it."""
    mark = ">" if order == "MM" else "<"
    tags = struct.pack(f"{mark}HHIHH", 0x010E, 3, 1, 7, 0)
    tags += struct.pack(f"{mark}HHIHH", 0x0112, 3, 1, orientation, 0)
    directory = struct.pack(f"{mark}HIH", 42, 8, 2) + tags + bytes(4)
    exif = b"Exif\0\0" + order.encode() + directory
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]


def with_frame_header(data: bytes, changes: dict[int, int]) -> bytes:
    """With other bytes in the frame header (SOF), counted from its marker."""
    at, changed = jpeg.read_header(data).frame_at, bytearray(data)
    for offset, value in changes.items():
        changed[at + offset] = value
    return bytes(changed)


def with_size(data: bytes, width: int, height: int) -> bytes:
    """With another size in its header."""
    numbers = struct.pack(">HH", height, width)
    return with_frame_header(data, {5 + index: byte for index, byte in enumerate(numbers)})


def twelve_bit(levels: tuple[int, int, int, int] = (0, 1024, 2048, 4095)) -> bytes:
    """16x16 pixels, grey, 12 bits each: four blocks with these levels."""
    bits, before = "", 0
    for level in levels:
        value = round((level - 2048) * 8 / 16)
        change, before = value - before, value
        length = abs(change).bit_length()
        bits += f"{length:04b}"
        if length:
            bits += f"{change if change > 0 else change + (1 << length) - 1:0{length}b}"
        bits += "0"  # end of block
    bits += "1" * (-len(bits) % 8)
    scan = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    dc = bytes([0, 0, 0, 0, 13, *[0] * 12, *range(13)])
    return (
        b"\xff\xd8\xff\xdb\0\x43\0"
        + bytes([16] * 64)
        + b"\xff\xc1"
        + struct.pack(">HBHHB", 11, 12, 16, 16, 1)
        + b"\x01\x11\0\xff\xc4"
        + struct.pack(">H", 2 + len(dc))
        + dc
        + b"\xff\xc4\0\x14\x10"
        + bytes([1, *[0] * 15])
        + b"\0\xff\xda\0\x08\x01\x01\0\0\x3f\0"
        + scan.replace(b"\xff", b"\xff\0")
        + jpeg.EOI
    )


def lossless(width: int = 64, height: int = 48) -> bytes:
    """A lossless JPEG."""
    coder: Any = av.CodecContext.create("ljpeg", "w")
    coder.width, coder.height, coder.pix_fmt = width, height, "bgr24"
    coder.time_base = Fraction(1, 25)
    frame: Any = av.VideoFrame.from_ndarray(texture(width, height), format="bgr24")
    return bytes(coder.encode(frame)[0])


def decoded(data: bytes) -> Any:
    """By OpenCV, as it is stored."""
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
