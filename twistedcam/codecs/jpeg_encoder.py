"""From what a source grabbed to the JPEG that everybody gets. Runs in the camera's thread."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import cv2

from twistedcam.codecs.jpeg_transform import turn_jpeg
from twistedcam.media import jpeg as jpegs
from twistedcam.media.jpeg_decoder import Damaged, decode_jpeg
from twistedcam.media.jpeg_repair import Whole, examine
from twistedcam.media.jpeg_truncation import TruncationDetector
from twistedcam.media.orientation import turn_image, turn_of
from twistedcam.sources.base import RawPicture
from twistedcam.sources.spec import Settings, SourceSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_QUALITY = 80

#: Pixels that the side of a JPEG may have: the format knows 65535, what encodes it a few less.
MOST_SIDE = 65500


class EncodedPicture(NamedTuple):
    """A picture that is ready to be shown, as a JPEG or as what makes one of it."""

    #: Time of capture in microseconds since the UNIX epoch.
    time_us: int
    width: int
    height: int
    jpeg: bytes | Callable[[], bytes]
    #: Whether it was encoded here.
    encoded: bool
    #: Whether the camera's JPEG was mended: something put in, or cut off before its start.
    repaired: bool = False
    #: Whether the camera's JPEG was turned without decoding it.
    turned: bool = False
    #: What a person should know of the camera's pictures, or nothing.
    note: str = ""


class JpegEncoder:
    """Passes JPEGs through, or turns them, and encodes images, turned as asked.

    A JPEG with an EXIF orientation is turned as that says, before all else, and has none then: its
    size is the size that is seen. A JPEG that few programs can show is decoded and encoded again.

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
        self._has_to_draw = bool(rotate or flip or timestamp)
        self._truncation = TruncationDetector()

    @classmethod
    def from_spec(cls, spec: SourceSpec) -> JpegEncoder:
        """From a source's common settings; BadArgument if one will not do."""
        settings = Settings(spec)
        quality = settings.number("quality", 1, 100)
        rotate = settings.choice("rotate", ("", "90", "180", "270"), "") or None
        flip = settings.choice("flip", ("", "h", "v"), "") or None
        timestamp = settings.flag("timestamp", False)
        return cls(DEFAULT_QUALITY if quality is None else int(quality), rotate, flip, timestamp)

    def finished_size(self, width: int, height: int) -> tuple[int, int]:
        """The size that a picture of that size has when it is finished."""
        return (height, width) if self._rotate in ("90", "270") else (width, height)

    def finish(self, grab: RawPicture, is_wanted: bool = True) -> EncodedPicture:
        """The finished picture.

        Arguments:
            grab: what the source gave.
            is_wanted: whether somebody takes all pictures. If not, one that would have to be
                encoded stays as it is until its JPEG is asked for, which is most often never.

        Raises:
            ValueError: the JPEG is broken, or the image cannot be encoded.
        """
        time_us = round(grab.time * 1e6)
        if grab.jpeg is not None:
            whole, header = examine(grab.jpeg, grab.size)
            unusual = jpegs.unusual_kind(whole.jpeg, header)
            try:
                self._truncation.check(whole.jpeg, header)
            except Damaged:
                raise
            except ValueError as error:
                kind = f"JPEG ({unusual})" if unusual else "JPEG"
                raise ValueError(f"a {kind} that cannot be decoded here: {error}") from None
            if not self._has_to_draw and header.orientation == 1 and not unusual:
                return EncodedPicture(
                    time_us, *whole.size, whole.jpeg, encoded=False, repaired=whole.repaired
                )
            return self._changed(grab.time, whole, header.orientation, unusual, is_wanted)
        if grab.image is None:
            raise ValueError(grab.fault or "there is no picture to encode")
        check_image_size(grab.image)
        height, width = grab.image.shape[:2]
        width, height = self.finished_size(width, height)
        make = partial(self._encoded, grab.image, grab.time)
        if not is_wanted:
            return EncodedPicture(time_us, width, height, make, encoded=False)
        return EncodedPicture(time_us, width, height, make(), encoded=True)

    def _encoded(self, image: NDArray[np.uint8], seconds: float) -> bytes:
        return self._encode(self._turn(image), seconds)

    def _turn(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return turn_image(image, self._rotate, self._flip)

    def _changed(
        self, seconds: float, whole: Whole, orientation: int, unusual: str, is_wanted: bool
    ) -> EncodedPicture:
        """A camera's JPEG that cannot be passed on as it is."""
        rotate, flip = turn_of(orientation, self._rotate, self._flip)
        width, height = whole.size
        if rotate in ("90", "270"):
            width, height = height, width
        note = ""
        if unusual:
            note = (
                f"it sends {unusual} JPEGs, which hardly any browser or player shows:"
                " each is decoded and encoded again"
            )
        make = partial(self._again, whole.jpeg, seconds, rotate, flip, bool(unusual))
        time_us, repaired = round(seconds * 1e6), whole.repaired
        if not is_wanted:
            later = partial(_first, make)
            return EncodedPicture(time_us, width, height, later, False, repaired, note=note)
        jpeg, turned = make()
        return EncodedPicture(time_us, width, height, jpeg, not turned, repaired, turned, note)

    def _again(
        self, jpeg: bytes, seconds: float, rotate: str, flip: str, is_unusual: bool
    ) -> tuple[bytes, bool]:
        """A camera's JPEG with what was asked for done to it, and whether it was only turned."""
        is_turned = bool(rotate or flip)
        if self.timestamp or is_unusual:
            if is_turned:
                why = "the timestamp" if self.timestamp else "its unusual JPEGs"
                self.turning = f"decoded and encoded, for {why}"
        elif is_turned:
            try:
                turned = turn_jpeg(jpeg, rotate, flip)
                self.turning = "without loss"
                return jpegs.without_orientation(turned), True
            except Damaged:
                raise
            except ValueError as error:
                self.turning = f"decoded and encoded: {error}"
        # Of a camera whose pictures give warnings each would be decoded a second time.
        image = decode_jpeg(jpeg, strict=not self._truncation.is_noisy)
        return self._encode(turn_image(image, rotate, flip), seconds), False

    def _encode(self, image: NDArray[np.uint8], seconds: float) -> bytes:
        try:
            if self.timestamp:
                image = _write_time(image, seconds)
            ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
        except cv2.error as error:
            raise ValueError(f"the picture cannot be encoded as JPEG: {error.err}") from None
        if not ok:
            raise ValueError("the picture cannot be encoded as JPEG")
        return data.tobytes()


def check_image_size(image: NDArray[np.uint8]) -> None:
    """See that an image can become a JPEG.

    Raises:
        ValueError: it has too many pixels, or too many in a row or column, or none.
    """
    height, width = image.shape[:2]
    if not width or not height:
        raise ValueError("a picture without width or height")
    if max(width, height) > MOST_SIDE:
        raise ValueError(
            f"a picture of {width}x{height}: a JPEG has at most {MOST_SIDE} pixels a side"
        )
    if width * height > jpegs.MOST_PIXELS:
        raise ValueError(f"a picture of {width}x{height}: it can have {jpegs.MOST_PIXELS:,} pixels")


def _first(make: Callable[[], tuple[bytes, bool]]) -> bytes:
    return make()[0]


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
