"""The choice among a webcam's formats."""

from __future__ import annotations

from collections.abc import Sequence

from twistedcam.errors import CameraFailed
from twistedcam.sources.webcam.v4l2 import Mode

MJPG, RAW = "MJPG", "YUYV"
JPEG_CODES = frozenset({MJPG, "JPEG"})
#: The words of the setting ``format``.
FORMATS = {"mjpg": MJPG, "yuyv": RAW, "h264": "H264", "hevc": "HEVC"}

#: The most pixels per second for which raw pictures are preferred: those of 640x480 at 30 fps,
#: whose encoding takes 3 % of a core. The camera's own JPEGs need no encoding.
_RAW_PIXELS = 640 * 480 * 30
#: The most modes in the message of an error.
_MAX_LISTED = 20


def choose_format(
    modes: Sequence[Mode], size: tuple[int, int], fps: float, requested: str
) -> str | None:
    """Return the format to request, or None for the driver's default.

    With ``any`` it is raw if the device has the size, as many frames as with MJPEG, and a low cost
    of encoding; else MJPEG.

    Arguments:
        modes: the modes of the device; empty if unknown.
        size: (width, height) in pixels.
        fps: frames per second.
        requested: ``mjpg``, ``yuyv``, ``h264``, ``hevc`` or ``any``.

    Raises:
        CameraFailed: the device does not have the requested format; the message lists its modes.
    """
    have = {mode.format for mode in modes}
    if requested in FORMATS:
        if modes and FORMATS[requested] not in have:
            raise CameraFailed(
                f"the camera has no {FORMATS[requested]}: it has {list_modes(modes)}"
            )
        return FORMATS[requested]
    if not modes:
        return MJPG
    raw, compressed = _best_rate(modes, RAW, size), _best_rate(modes, MJPG, size)
    cheap = size[0] * size[1] * fps <= _RAW_PIXELS
    if raw is not None and (MJPG not in have or (cheap and raw >= min(fps, compressed or fps))):
        return RAW
    if MJPG in have:
        return MJPG
    return RAW if RAW in have else None


def list_modes(modes: Sequence[Mode]) -> str:
    """List modes in one line; if they are too many, only their formats."""
    if len(modes) <= _MAX_LISTED:
        return ", ".join(map(str, modes))
    names = list(dict.fromkeys(mode.format for mode in modes))
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(names[:_MAX_LISTED]) + f"{more} ('twistedcam devices' lists sizes and rates)"


def _best_rate(modes: Sequence[Mode], name: str, size: tuple[int, int]) -> float | None:
    rates = [
        max(mode.rates, default=0.0)
        for mode in modes
        if mode.format == name and (mode.width, mode.height) == size
    ]
    return max(rates, default=None)
