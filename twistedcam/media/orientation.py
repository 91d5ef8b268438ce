"""Combines and applies rotations and flips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twistedcam.util.libraries import cv2

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: EXIF's orientations: quarter turns clockwise, then a horizontal flip or none.
_ORIENTATIONS = {
    1: (0, False),
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (1, True),
    6: (1, False),
    7: (3, True),
    8: (3, False),
}
#: Names of OpenCV's constants.
_ROTATE = {
    "90": "ROTATE_90_CLOCKWISE",
    "180": "ROTATE_180",
    "270": "ROTATE_90_COUNTERCLOCKWISE",
}
_FLIP = {"h": 1, "v": 0}


def turn_of(orientation: int, rotate: str, flip: str) -> tuple[str, str]:
    """One rotation and flip for an orientation followed by another rotation and flip.

    Arguments:
        orientation: EXIF's, 1 to 8.
        rotate: ``90``, ``180`` or ``270`` degrees clockwise, or empty.
        flip: ``h`` or ``v``, after the rotation, or empty.
    """
    if orientation == 1:
        return rotate, flip
    turns, mirrored = _ORIENTATIONS[orientation]
    more = int(rotate or 0) // 90
    if flip == "v":  # the same as a half turn, then a horizontal flip
        more += 2
    # A rotation after a flip goes the other way round when it is moved before it.
    turns += -more if mirrored else more
    mirrored ^= bool(flip)
    return str(turns % 4 * 90) if turns % 4 else "", "h" if mirrored else ""


def turn_image(image: NDArray[np.uint8], rotate: str, flip: str) -> NDArray[np.uint8]:
    """Turn an image, (height, width, 3) uint8; arguments as in ``turn_of``."""
    if rotate:
        image = cv2.rotate(image, getattr(cv2, _ROTATE[rotate]))  # type: ignore[assignment]
    if flip:
        image = cv2.flip(image, _FLIP[flip])  # type: ignore[assignment]
    return image
