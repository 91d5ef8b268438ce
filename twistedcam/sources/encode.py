"""From what a source grabbed to the JPEG that everybody gets. Runs in the camera's thread."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from twistedcam.sources.base import Grab
from twistedcam.sources.lossless import turn_jpeg
from twistedcam.sources.repair import make_whole
from twistedcam.sources.spec import Settings, SourceSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEFAULT_QUALITY = 80

_ROTATE = {
    "90": cv2.ROTATE_90_CLOCKWISE,
    "180": cv2.ROTATE_180,
    "270": cv2.ROTATE_90_COUNTERCLOCKWISE,
}
_FLIP = {"h": 1, "v": 0}


class Picture(NamedTuple):
    """A picture that is ready to be shown, as a JPEG or as what makes one of it."""

    #: Time of capture in microseconds since the UNIX epoch.
    time_us: int
    width: int
    height: int
    jpeg: bytes | Callable[[], bytes]
    #: Whether it was encoded here.
    encoded: bool
    #: Whether the camera's JPEG lacked something that has been put in.
    repaired: bool = False
    #: Whether the camera's JPEG was turned without decoding it.
    turned: bool = False


class Encoder:
    """Passes JPEGs through, or turns them, and encodes images, turned as asked.

    Arguments:
        quality: JPEG quality, 1 to 100, for what is encoded here.
        rotate: None, ``90``, ``180`` or ``270`` degrees clockwise.
        flip: None, ``h`` (left and right) or ``v`` (up and down); after the rotation.
        timestamp: write the time of capture into the picture.
    """

    def __init__(
        self,
        quality: int = DEFAULT_QUALITY,
        rotate: str | None = None,
        flip: str | None = None,
        timestamp: bool = False,
    ) -> None:
        self.quality = quality
        self.timestamp = timestamp
        #: How JPEGs are turned, in words for status; None where none are.
        self.turning: str | None = None
        self._rotate = rotate or ""
        self._flip = flip or ""

    @classmethod
    def from_spec(cls, spec: SourceSpec) -> Encoder:
        """From a source's common settings; BadArgument if one will not do."""
        settings = Settings(spec)
        quality = settings.number("quality", 1, 100)
        rotate = settings.choice("rotate", ("", *_ROTATE), "") or None
        flip = settings.choice("flip", ("", *_FLIP), "") or None
        timestamp = settings.flag("timestamp", False)
        return cls(DEFAULT_QUALITY if quality is None else int(quality), rotate, flip, timestamp)

    def finished_size(self, width: int, height: int) -> tuple[int, int]:
        """The size that a picture of that size has when it is finished."""
        return (height, width) if self._rotate in ("90", "270") else (width, height)

    def finish(self, grab: Grab, is_wanted: bool = True) -> Picture:
        """The finished picture.

        Arguments:
            grab: what the source gave.
            is_wanted: whether somebody takes all pictures. If not, one that would have to be
                encoded stays as it is until its JPEG is asked for, which is most often never.

        Raises:
            ValueError: the JPEG is broken, or the image cannot be encoded.
        """
        time_us = round(grab.time * 1e6)
        repaired = False
        make: Callable[[], tuple[bytes, bool]]
        if grab.jpeg is not None:
            whole = make_whole(grab.jpeg, grab.size)
            repaired = whole.repaired
            if not self._rotate and not self._flip and not self.timestamp:
                return Picture(time_us, *whole.size, whole.jpeg, encoded=False, repaired=repaired)
            width, height = whole.size
            make = partial(self._again, whole.jpeg, grab.time)
        elif grab.image is not None:
            height, width = grab.image.shape[:2]
            make = partial(self._encoded, grab.image, grab.time)
        else:
            raise ValueError("there is no picture to encode")
        width, height = self.finished_size(width, height)
        if not is_wanted:
            later = partial(_first, make)
            return Picture(time_us, width, height, later, encoded=False, repaired=repaired)
        jpeg, turned = make()
        return Picture(time_us, width, height, jpeg, not turned, repaired, turned)

    def _again(self, jpeg: bytes, seconds: float) -> tuple[bytes, bool]:
        """A camera's JPEG with what was asked for done to it, and whether it was only turned."""
        if self.timestamp:
            if self._rotate or self._flip:
                self.turning = "decoded and encoded, for the timestamp"
            return self._encoded(_decode(jpeg), seconds)
        try:
            turned = turn_jpeg(jpeg, self._rotate, self._flip)
        except ValueError as error:
            self.turning = f"decoded and encoded: {error}"
            return self._encoded(_decode(jpeg), seconds)
        self.turning = "without loss"
        return turned, True

    def _encoded(self, image: NDArray[np.uint8], seconds: float) -> tuple[bytes, bool]:
        return self._encode(image, seconds), False

    def _encode(self, image: NDArray[np.uint8], seconds: float) -> bytes:
        image = self._turn(image)
        if self.timestamp:
            image = _write_time(image, seconds)
        ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
        if not ok:
            raise ValueError("the picture cannot be encoded as JPEG")
        return data.tobytes()

    def _turn(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self._rotate:
            image = cv2.rotate(image, _ROTATE[self._rotate])  # type: ignore[assignment]
        if self._flip:
            image = cv2.flip(image, _FLIP[self._flip])  # type: ignore[assignment]
        return image


def _first(make: Callable[[], tuple[bytes, bool]]) -> bytes:
    return make()[0]


def _decode(data: bytes) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("the picture cannot be decoded")
    return image  # type: ignore[return-value]


def _write_time(image: NDArray[np.uint8], seconds: float) -> NDArray[np.uint8]:
    """The local time of capture at the lower left, white with a dark edge."""
    height, width = image.shape[:2]
    text = datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S.%f")[:-5]
    scale = max(0.4, width / 1600)
    line = max(1, round(scale * 1.5))
    at = (width // 64, height - height // 36)
    drawn = image.copy()
    for colour, thick in (((0, 0, 0), line * 3), ((255, 255, 255), line)):
        cv2.putText(drawn, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thick, cv2.LINE_AA)
    return drawn
