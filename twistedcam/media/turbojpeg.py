"""libturbojpeg, where the system has it."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import sys
from typing import Any

#: Error code for a warning: the picture is decoded or turned all the same (TJERR_WARNING).
WARNING = 0

_GREY = 6
_FAST_DCT = 2048
#: A picture is decoded to an eighth of its sides, for which all of its codes must be read.
_SCALE = 8


def try_decoding(jpeg: bytes) -> str | None:
    """Decode a JPEG, and forget the picture; any thread can call this.

    The picture is made small and grey: that takes half the time, and memory for few pixels.

    Returns:
        libjpeg's first warning, or an empty text; None if there is no library, or if it does not
        support this JPEG.
    """
    library = load_library()
    if library is None:
        return None
    width, height, subsampling, colours = (ctypes.c_int() for _ in range(4))
    handle = library.tjInitDecompress()  # some µs; a handle of its own needs no lock
    try:
        failed = library.tjDecompressHeader3(
            handle,
            jpeg,
            len(jpeg),
            ctypes.byref(width),
            ctypes.byref(height),
            ctypes.byref(subsampling),
            ctypes.byref(colours),
        )
        if failed:
            return None
        small_width, small_height = -(-width.value // _SCALE), -(-height.value // _SCALE)
        pixels = ctypes.create_string_buffer(small_width * small_height)
        failed = library.tjDecompress2(
            handle, jpeg, len(jpeg), pixels, small_width, 0, small_height, _GREY, _FAST_DCT
        )
        if not failed:
            return ""
        if library.tjGetErrorCode(handle) != WARNING:
            return None
        message: str = library.tjGetErrorStr2(handle).decode("utf-8", "replace")
        return message
    finally:
        library.tjDestroy(handle)


@functools.cache
def load_library() -> Any:
    """The library libturbojpeg, or None."""
    name = "libturbojpeg.so.0"
    if not sys.platform.startswith("linux"):
        name = ctypes.util.find_library("turbojpeg") or ""
    try:
        library = ctypes.CDLL(name)
        library.tjInitTransform.restype = ctypes.c_void_p
        library.tjInitDecompress.restype = ctypes.c_void_p
        library.tjTransform.argtypes = [
            ctypes.c_void_p,
            ctypes.c_char_p,
            ctypes.c_ulong,
            ctypes.c_int,
            ctypes.POINTER(ctypes.c_void_p),
            ctypes.POINTER(ctypes.c_ulong),
            ctypes.c_void_p,
            ctypes.c_int,
        ]
        library.tjDecompressHeader3.argtypes = [
            ctypes.c_void_p,
            ctypes.c_char_p,
            ctypes.c_ulong,
            *[ctypes.POINTER(ctypes.c_int)] * 4,
        ]
        library.tjDecompress2.argtypes = [
            ctypes.c_void_p,
            ctypes.c_char_p,
            ctypes.c_ulong,
            ctypes.c_void_p,
            *[ctypes.c_int] * 5,
        ]
        library.tjGetErrorStr2.argtypes = [ctypes.c_void_p]
        library.tjGetErrorStr2.restype = ctypes.c_char_p
        library.tjGetErrorCode.argtypes = [ctypes.c_void_p]
        library.tjFree.argtypes = library.tjDestroy.argtypes = [ctypes.c_void_p]
    except (OSError, AttributeError):  # missing, or older than 2018
        return None
    return library
