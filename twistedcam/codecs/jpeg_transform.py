"""Turns JPEGs without loss, with libturbojpeg where the system has it.

Blocks of coefficients are moved, so no quality is lost. Each axis that is mirrored must be a
multiple of the block size, which is 8 or 16 pixels.
"""

from __future__ import annotations

import ctypes

from twistedcam.media.jpeg_decoder import Damaged, message_kind
from twistedcam.media.turbojpeg import WARNING, load_library

#: Operations of tjTransform by a rotation and the flip after it.
_HFLIP, _VFLIP, _TRANSPOSE, _TRANSVERSE, _ROT90, _ROT180, _ROT270 = range(1, 8)
_OPERATIONS = {
    ("", "h"): _HFLIP,
    ("", "v"): _VFLIP,
    ("90", ""): _ROT90,
    ("90", "h"): _TRANSPOSE,
    ("90", "v"): _TRANSVERSE,
    ("180", ""): _ROT180,
    ("180", "h"): _VFLIP,
    ("180", "v"): _HFLIP,
    ("270", ""): _ROT270,
    ("270", "h"): _TRANSVERSE,
    ("270", "v"): _TRANSPOSE,
}
#: Option: fail if blocks at the edge cannot be moved.
_PERFECT = 1


class _Transform(ctypes.Structure):
    """``tjtransform``; the region is unused."""

    _fields_ = (
        ("region", ctypes.c_int * 4),
        ("operation", ctypes.c_int),
        ("options", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("filter", ctypes.c_void_p),
    )


def turn_jpeg(jpeg: bytes, rotate: str, flip: str) -> bytes:
    """Turn a JPEG; its quality and its other contents stay the same. Any thread can call this.

    Arguments:
        rotate: ``90``, ``180`` or ``270`` degrees clockwise, or empty.
        flip: ``h`` or ``v``, after the rotation, or empty; not both are empty.

    Raises:
        Damaged: a part of it is missing or broken.
        ValueError: it cannot be turned without loss; the message says why.
    """
    library = load_library()
    if library is None:
        raise ValueError("there is no libturbojpeg")
    transform = _Transform(operation=_OPERATIONS[rotate, flip], options=_PERFECT)
    turned, size = ctypes.c_void_p(), ctypes.c_ulong()
    handle = library.tjInitTransform()  # 3 µs; a handle of its own needs no lock
    try:
        failed = library.tjTransform(
            handle,
            jpeg,
            len(jpeg),
            1,
            ctypes.byref(turned),
            ctypes.byref(size),
            ctypes.byref(transform),
            0,
        )
        if failed:
            why = library.tjGetErrorStr2(handle).decode("utf-8", "replace")
            kind = message_kind(why)
            if kind == "damage":
                raise Damaged(f"the JPEG is incomplete: {why}")
            if kind == "warning" and library.tjGetErrorCode(handle) == WARNING and turned:
                return ctypes.string_at(turned, size.value)
            raise ValueError(why.removeprefix("tjTransform(): ").removeprefix("tj3Transform(): "))
        return ctypes.string_at(turned, size.value)
    finally:
        library.tjFree(turned)
        library.tjDestroy(handle)
