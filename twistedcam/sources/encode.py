"""From what a source grabbed to the JPEG that everybody gets. Runs in the camera's thread."""

from __future__ import annotations

from typing import NamedTuple

import cv2

from twistedcam import jpeg
from twistedcam.sources.base import Grab
from twistedcam.sources.spec import SourceSpec

DEFAULT_QUALITY = 80

_ROTATE = {
    "90": cv2.ROTATE_90_CLOCKWISE,
    "180": cv2.ROTATE_180,
    "270": cv2.ROTATE_90_COUNTERCLOCKWISE,
}
_FLIP = {"h": 1, "v": 0}


class Picture(NamedTuple):
    """A JPEG that is ready to be shown."""

    #: Time of capture in microseconds since the UNIX epoch.
    time_us: int
    width: int
    height: int
    jpeg: bytes
    #: Whether it was encoded here, or passed through as it came.
    encoded: bool


class Encoder:
    """Passes JPEGs through and encodes images, turned as asked.

    Arguments:
        quality: JPEG quality, 1 to 100, for what is encoded here.
        rotate: None, ``90``, ``180`` or ``270`` degrees clockwise.
        flip: None, ``h`` (left and right) or ``v`` (up and down).
    """

    def __init__(
        self, quality: int = DEFAULT_QUALITY, rotate: str | None = None, flip: str | None = None
    ) -> None:
        self.quality = quality
        self._rotate = None if rotate is None else _ROTATE[rotate]
        self._flip = None if flip is None else _FLIP[flip]

    @classmethod
    def from_spec(cls, spec: SourceSpec) -> Encoder:
        """From a source's common settings; BadArgument if one will not do."""
        from twistedcam.sources.spec import Settings

        settings = Settings(spec)
        quality = settings.number("quality", 1, 100)
        rotate = settings.choice("rotate", ("", *_ROTATE), "") or None
        flip = settings.choice("flip", ("", *_FLIP), "") or None
        return cls(DEFAULT_QUALITY if quality is None else int(quality), rotate, flip)

    def finish(self, grab: Grab) -> Picture:
        """The finished picture.

        Raises:
            ValueError: the JPEG is broken, or the image cannot be encoded.
        """
        time_us = int(grab.time * 1e6)
        image = grab.image
        if grab.jpeg is not None:
            whole = jpeg.trim(grab.jpeg)
            size = jpeg.read_header(whole).size
            if self._rotate is None and self._flip is None:
                return Picture(time_us, size.width, size.height, whole, encoded=False)
            import numpy as np

            image = cv2.imdecode(np.frombuffer(whole, np.uint8), cv2.IMREAD_COLOR)  # type: ignore[assignment]
        if image is None:
            raise ValueError("the picture cannot be decoded")
        if self._rotate is not None:
            image = cv2.rotate(image, self._rotate)  # type: ignore[assignment]
        if self._flip is not None:
            image = cv2.flip(image, self._flip)  # type: ignore[assignment]
        assert image is not None
        ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
        if not ok:
            raise ValueError("the picture cannot be encoded as JPEG")
        height, width = image.shape[:2]
        return Picture(time_us, width, height, data.tobytes(), encoded=True)
