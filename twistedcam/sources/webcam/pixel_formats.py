"""Converts the raw pictures of V4L2 devices to BGR.

Formats have the names of V4L2's four-character codes (Linux media documentation, "Image Formats").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from twistedcam.util.libraries import cv2, np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Layout(NamedTuple):
    """The layout of a picture in memory.

    Arguments:
        conversion: the name of OpenCV's constant; empty if none is needed.
        depth: bytes of a pixel in the first plane.
        channels: the array's last dimension; 0 if it has two dimensions.
        extra: rows of half-size colour planes after the first plane, for each two rows of it.
        shift: bits of a sample above eight; it has two bytes then.
    """

    conversion: str
    depth: int = 1
    channels: int = 0
    extra: int = 0
    shift: int = 0
    is_big_endian: bool = False


#: By name; in the order in which a device's formats are tried. OpenCV names Bayer patterns by the
#: second row from the second column on.
_LAYOUTS = {
    "YUYV": _Layout("COLOR_YUV2BGR_YUYV", 2, 2),
    "BGR3": _Layout("", 3, 3),
    "RGB3": _Layout("COLOR_RGB2BGR", 3, 3),
    "YV12": _Layout("COLOR_YUV2BGR_YV12", extra=1),
    "YU12": _Layout("COLOR_YUV2BGR_I420", extra=1),
    "NV12": _Layout("COLOR_YUV2BGR_NV12", extra=1),
    "NV21": _Layout("COLOR_YUV2BGR_NV21", extra=1),
    "UYVY": _Layout("COLOR_YUV2BGR_UYVY", 2, 2),
    "YVYU": _Layout("COLOR_YUV2BGR_YVYU", 2, 2),
    "XR24": _Layout("COLOR_BGRA2BGR", 4, 4),
    "AR24": _Layout("COLOR_BGRA2BGR", 4, 4),
    "BA81": _Layout("COLOR_BayerRG2BGR"),
    "GBRG": _Layout("COLOR_BayerGR2BGR"),
    "GRBG": _Layout("COLOR_BayerGB2BGR"),
    "RGGB": _Layout("COLOR_BayerBG2BGR"),
    "GREY": _Layout("COLOR_GRAY2BGR"),
    "Y16": _Layout("COLOR_GRAY2BGR", 2, shift=8),
    "Y16-BE": _Layout("COLOR_GRAY2BGR", 2, shift=8, is_big_endian=True),
    "Y12": _Layout("COLOR_GRAY2BGR", 2, shift=4),
    "Y10": _Layout("COLOR_GRAY2BGR", 2, shift=2),
}
#: The names of the formats that can be converted, in the order in which they are preferred.
CONVERTIBLE = tuple(_LAYOUTS)


def convert_to_bgr(
    name: str, data: bytes, size: tuple[int, int], stride: int = 0
) -> NDArray[np.uint8]:
    """Convert a picture; return it as (height, width, 3) uint8, BGR.

    Arguments:
        name: the name of the format, one of ``CONVERTIBLE``.
        data: the picture, rows from the top; colour planes after the first.
        size: (width, height) in pixels.
        stride: bytes from one row of the first plane to the next; 0 for no gap between them.

    Raises:
        ValueError: there are too few bytes, or OpenCV cannot convert a picture of this size.
    """
    layout = _LAYOUTS[name]
    width, height = size
    row = width * layout.depth
    stride = max(stride, row)
    rows = height + layout.extra * (height // 2)
    if len(data) < (rows - 1) * stride + row:
        raise ValueError(f"a picture of {len(data)} bytes: {width}x{height} {name} has more")
    pixels = np.frombuffer(data.ljust(rows * stride, b"\0"), np.uint8, rows * stride)
    if layout.extra and stride != row and name in ("YV12", "YU12"):
        pixels = _without_gaps(pixels, width, height, stride)
    else:
        pixels = np.ascontiguousarray(pixels.reshape(rows, stride)[:, :row])
    if layout.channels:
        pixels = pixels.reshape(height, width, layout.channels)
    elif layout.shift:
        samples = pixels.view(">u2" if layout.is_big_endian else "<u2")
        pixels = (samples >> layout.shift).astype(np.uint8)
    else:
        pixels = pixels.reshape(rows, width)
    if not layout.conversion:
        return pixels
    try:
        converted = cv2.cvtColor(pixels, getattr(cv2, layout.conversion))
    except cv2.error as error:
        raise ValueError(f"a picture of {width}x{height} {name}: {error.err}") from None
    return np.asarray(converted, np.uint8)


def _without_gaps(
    pixels: NDArray[np.uint8], width: int, height: int, stride: int
) -> NDArray[np.uint8]:
    """Close the gaps of a picture whose colour planes have rows of half the stride."""
    luma = pixels[: height * stride].reshape(height, stride)[:, :width]
    colours = pixels[height * stride :].reshape(-1, stride // 2)[:, : width // 2]
    return np.concatenate([luma.reshape(-1), colours.reshape(-1)])
