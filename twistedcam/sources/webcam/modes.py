"""Which of a webcam's formats to take."""

from __future__ import annotations

from collections.abc import Sequence

from twistedcam.errors import CameraFailed
from twistedcam.sources.webcam.v4l2 import Mode

MJPG, RAW = "MJPG", "YUYV"
#: The words of the setting ``format``.
FORMATS = {"mjpg": MJPG, "yuyv": RAW}

#: Pixels a second up to which raw pictures are encoded here rather than by the camera: those of
#: 640x480 at 30, some 3 % of a core. Beyond, the camera's own JPEGs cost nothing.
_RAW_PIXELS = 640 * 480 * 30
#: As many modes are listed where one is refused.
_LISTED = 20


def choose_format(
    modes: Sequence[Mode], size: tuple[int, int], fps: float, wish: str
) -> str | None:
    """The format to ask for, or None to take what the driver gives.

    With ``any``: raw where it has the size, gives as many frames as MJPEG would, and is cheap to
    encode; else MJPEG.

    Arguments:
        modes: what the device has; empty where it does not say.
        size: (width, height) in pixels.
        fps: frames a second.
        wish: ``mjpg``, ``yuyv`` or ``any``.

    Raises:
        CameraFailed: the device has not the format that was asked for; the message lists it all.
    """
    have = {mode.format for mode in modes}
    if wish in FORMATS:
        if modes and FORMATS[wish] not in have:
            raise CameraFailed(f"the camera has no {FORMATS[wish]}: it has {list_modes(modes)}")
        return FORMATS[wish]
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
    """All of them in one line; where they are too many for one, the formats alone."""
    if len(modes) <= _LISTED:
        return ", ".join(map(str, modes))
    names = list(dict.fromkeys(mode.format for mode in modes))
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + f"{more} ('twistedcam devices' lists sizes and rates)"


def _best_rate(modes: Sequence[Mode], name: str, size: tuple[int, int]) -> float | None:
    rates = [
        max(mode.rates, default=0.0)
        for mode in modes
        if mode.format == name and (mode.width, mode.height) == size
    ]
    return max(rates, default=None)
