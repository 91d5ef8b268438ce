"""Decodes and checks JPEGs. No decoder here writes to stderr.

libjpeg-turbo reads what cameras send: the system's libturbojpeg if a picture is only checked, which
needs no numpy, and simplejpeg. What it cannot read goes to Pillow, whose libjpeg supports all
sampling factors and CMYK, and then to FFmpeg, which supports lossless JPEG.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, Literal

from twistedcam.media import jpeg
from twistedcam.media.turbojpeg import try_decoding
from twistedcam.util.libraries import av, np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: libjpeg's warnings if pixels are missing or wrong.
_DAMAGE = ("premature end", "corrupt jpeg data")
#: Its warnings if all pixels are there: some webcams pad before each restart marker.
_HARMLESS = (
    "extraneous bytes",
    "adobe color transform",
    "jfif revision",
    "sos parameters for sequential",
)
_PADDED_RESTART = re.compile(r"extraneous bytes before marker 0xd[0-7]")
#: Bytes within which EXIF begins: it is the first or second segment (EXIF 2.3, section 4.5.4).
_EXIF_WITHIN = 64


class Damaged(ValueError):
    """The JPEG can be decoded, but not all of its pixels are there."""


def decode_jpeg(data: bytes, strict: bool = False) -> NDArray[np.uint8]:
    """The picture as (height, width, 3) uint8, BGR; EXIF's orientation is not applied.

    Arguments:
        strict: raise Damaged if a part is missing or broken.

    Raises:
        Damaged: a part is missing or broken.
        ValueError: no decoder can read it.
    """
    import simplejpeg

    found: NDArray[np.uint8]
    try:
        found = simplejpeg.decode_jpeg(data, colorspace="BGR", strict=strict)
        return found
    except ValueError as error:
        message = str(error)
        kind = message_kind(message)
    if strict and kind == "damage":
        raise Damaged(f"the JPEG is incomplete: {message}")
    if strict and kind == "warning":
        return decode_jpeg(data)
    return _decode_unusual(data)


def decode_upright(data: bytes) -> NDArray[np.uint8]:
    """Decode as ``decode_jpeg`` does, and apply EXIF's orientation.

    Raises:
        ValueError: no decoder can read it.
    """
    image = decode_jpeg(data)
    if b"Exif" in data[:_EXIF_WITHIN]:
        orientation = jpeg.read_header(data).orientation
        if orientation != 1:
            from twistedcam.media.orientation import turn_image, turn_of

            image = turn_image(image, *turn_of(orientation, "", ""))
    return image


def check_jpeg(data: bytes, *, is_doubtful: bool = False) -> bool:
    """Check that a picture can be decoded completely; True if libjpeg had harmless warnings.

    It is decoded once, without colours.

    Arguments:
        is_doubtful: True for a picture that is known to lack something: then no warning is
            accepted but the one about padding before restart markers.

    Raises:
        Damaged: a part is missing or broken.
        ValueError: no decoder can read it.
    """
    message = try_decoding(data)
    if message is None:
        message = _try_decoding_again(data)
    if not message:
        return False
    if is_doubtful and not _PADDED_RESTART.search(message):
        raise Damaged(f"the JPEG is incomplete: {message}")
    kind = message_kind(message)
    if kind == "damage":
        raise Damaged(f"the JPEG is incomplete: {message}")
    if kind == "warning":
        return True
    _decode_unusual(data)
    return False


def _try_decoding_again(data: bytes) -> str:
    """Decode with simplejpeg, which brings numpy; return its message or an empty text."""
    import simplejpeg

    try:
        simplejpeg.decode_jpeg(data, "GRAY", fastdct=True, strict=True)
    except ValueError as error:
        return str(error)
    return ""


def message_kind(message: str) -> Literal["damage", "warning", "error"]:
    """The kind of libjpeg's message: pixels are missing or wrong, all are there, or none is."""
    message = message.lower()
    if any(each in message for each in _HARMLESS):
        return "warning"
    return "damage" if any(each in message for each in _DAMAGE) else "error"


def _decode_unusual(data: bytes) -> NDArray[np.uint8]:
    """Decode with Pillow or FFmpeg."""
    image = _by_pillow(data)
    if image is None and jpeg.unusual_kind(data, jpeg.read_header(data)):
        image = _by_ffmpeg(data)  # it decodes something even of broken JPEGs of the usual kinds
    if image is None:
        raise ValueError("no decoder can read it")
    return image


def _by_pillow(data: bytes) -> NDArray[np.uint8] | None:
    from PIL.JpegImagePlugin import JpegImageFile

    scan_at = jpeg.read_header(data).scan_at
    # Hide EXIF: Pillow warns of broken EXIF on stderr.
    data = data[:scan_at].replace(b"Exif\0\0", b"exif\0\0") + data[scan_at:]
    try:
        # Image.open has its own limit on pixels, and warns on stderr.
        with JpegImageFile(io.BytesIO(data)) as picture:
            return np.asarray(picture.convert("RGB"))[:, :, ::-1].copy()
    except Exception:  # a broken picture can raise anything in its parser
        return None


def _by_ffmpeg(data: bytes) -> NDArray[np.uint8] | None:
    try:
        frames: list[Any] = av.CodecContext.create("mjpeg", "r").decode(av.Packet(data))
        image: NDArray[np.uint8] = frames[0].to_ndarray(format="bgr24")
    except (av.error.FFmpegError, ValueError, IndexError):
        return None
    size = jpeg.read_header(data).size
    return image if image.shape[:2] == (size.height, size.width) else None
