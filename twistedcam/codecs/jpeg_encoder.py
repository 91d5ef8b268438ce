"""Turns a source's pictures into the JPEGs that viewers get, on the camera's thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from twistedcam.codecs.jpeg_transform import turn_jpeg
from twistedcam.media import jpeg as jpegs
from twistedcam.media.jpeg_decoder import Damaged, decode_jpeg
from twistedcam.media.jpeg_repair import RepairedJpeg, repair_jpeg
from twistedcam.media.jpeg_truncation import TruncationDetector
from twistedcam.media.orientation import turn_image, turn_of
from twistedcam.sources.base import RawPicture
from twistedcam.sources.spec import Settings, SourceSpec
from twistedcam.util.libraries import cv2
from twistedcam.util.polygons import Polygon, read_polygons

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_QUALITY = 80

#: The part of the picture in which the time of capture is written.
_TIME_AREA: Polygon = ((0.0, 0.86), (1.0, 0.86), (1.0, 1.0), (0.0, 1.0))

#: Pixels of a JPEG's side at most: the format allows 65535, the encoder a few fewer.
MAX_SIDE = 65500


class EncodedPicture(NamedTuple):
    """A picture as a JPEG, or as a function that encodes it."""

    #: Time of capture in microseconds since the UNIX epoch.
    time_us: int
    width: int
    height: int
    jpeg: bytes | Callable[[], bytes]
    #: True if it was encoded here.
    encoded: bool
    #: True if the camera's JPEG was repaired: something was added, or cut off before its start.
    repaired: bool = False
    #: True if the camera's JPEG was turned without decoding it.
    turned: bool = False
    #: A remark about the camera's pictures for the user, or an empty text.
    note: str = ""


class JpegEncoder:
    """Passes JPEGs on, turned if need be, and encodes images.

    A JPEG with an EXIF orientation is turned accordingly first, and the orientation is removed. A
    JPEG that few programs can show is decoded and encoded again. What ``privacy`` covers is in no
    picture that leaves here.

    Arguments:
        quality: JPEG quality, 1 to 100, of pictures that are encoded here.
        rotate: None, ``90``, ``180`` or ``270`` degrees clockwise.
        flip: None, ``h`` (horizontal) or ``v`` (vertical); after the rotation.
        timestamp: True to draw the time of capture into the picture.
        privacy: polygons that are black in every picture, after it was turned.
    """

    def __init__(
        self,
        quality: int = DEFAULT_QUALITY,
        rotate: str | None = None,
        flip: str | None = None,
        timestamp: bool = False,
        privacy: Sequence[Polygon] = (),
    ) -> None:
        self.quality = quality
        self.timestamp = timestamp
        #: The method of turning JPEGs, as a text for status; None if they are not.
        self.turning: str | None = None
        self._rotate = rotate or ""
        self._flip = flip or ""
        #: The polygons that are black in every picture.
        self.privacy = tuple(privacy)
        #: True if pictures are rotated, flipped, covered or written on.
        self.has_to_draw = bool(rotate or flip or timestamp or privacy)
        self._truncation = TruncationDetector()

    @classmethod
    def from_spec(cls, spec: SourceSpec) -> JpegEncoder:
        """An encoder with a source's common settings; BadArgument if one is invalid."""
        return cls.from_settings(Settings(spec))

    @classmethod
    def from_settings(cls, settings: Settings) -> JpegEncoder:
        """An encoder with these settings; BadArgument if one is invalid."""
        quality = settings.number("quality", 1, 100, DEFAULT_QUALITY)
        rotate = settings.choice("rotate", ("", "90", "180", "270"), "") or None
        flip = settings.choice("flip", ("", "h", "v"), "") or None
        if settings.scheme == "picamera" and rotate in (None, "180"):
            rotate = flip = None  # the sensor does it (sources.picamera.source.device_flips)
        timestamp = settings.flag("timestamp", False)
        privacy = read_polygons(settings.text("privacy", kind="polygons"), "privacy")
        number = DEFAULT_QUALITY if quality is None else int(quality)
        return cls(number, rotate, flip, timestamp, privacy)

    @property
    def drawn(self) -> tuple[Polygon, ...]:
        """The parts of finished pictures that show what is drawn here."""
        return (*self.privacy, *([_TIME_AREA] if self.timestamp else []))

    def finished_size(self, width: int, height: int) -> tuple[int, int]:
        """The size of the finished picture for a source's picture of that size."""
        return (height, width) if self._rotate in ("90", "270") else (width, height)

    def finish(self, raw: RawPicture, is_wanted: bool = True) -> EncodedPicture:
        """Encode a picture if it must be.

        Arguments:
            is_wanted: False if nobody takes all pictures: encoding is put off until the JPEG is
                asked for, which is rare.

        Raises:
            ValueError: the JPEG is broken, or the image cannot be encoded.
        """
        time_us = round(raw.time * 1e6)
        if raw.jpeg is not None:
            repaired = repair_jpeg(raw.jpeg, raw.size)
            header = repaired.header
            unusual = jpegs.unusual_kind(repaired.jpeg, header)
            try:
                self._truncation.check(repaired.jpeg, header)
            except Damaged:
                raise
            except ValueError as error:
                kind = f"JPEG ({unusual})" if unusual else "JPEG"
                raise ValueError(f"a {kind} that cannot be decoded here: {error}") from None
            if not self.has_to_draw and header.orientation == 1 and not unusual:
                return EncodedPicture(
                    time_us,
                    *header.size,
                    repaired.jpeg,
                    encoded=False,
                    repaired=repaired.is_repaired,
                )
            return self._changed(raw.time, repaired, unusual, is_wanted)
        if raw.image is None:
            raise ValueError(raw.fault or "there is no picture to encode")
        check_image_size(raw.image)
        height, width = raw.image.shape[:2]
        width, height = self.finished_size(width, height)
        make = partial(self._encoded, raw.image, raw.time)
        if not is_wanted:
            return EncodedPicture(time_us, width, height, make, encoded=False)
        return EncodedPicture(time_us, width, height, make(), encoded=True)

    def _encoded(self, image: NDArray[np.uint8], seconds: float) -> bytes:
        return self._encode(self._turn(image), seconds)

    def _turn(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return turn_image(image, self._rotate, self._flip)

    def _changed(
        self, seconds: float, repaired: RepairedJpeg, unusual: str, is_wanted: bool
    ) -> EncodedPicture:
        """Turn or encode a camera's JPEG that cannot be passed on as it is."""
        rotate, flip = turn_of(repaired.header.orientation, self._rotate, self._flip)
        width, height = repaired.header.size
        if rotate in ("90", "270"):
            width, height = height, width
        note = ""
        if unusual:
            note = (
                f"it sends {unusual} JPEGs, which hardly any browser or player shows:"
                " each is decoded and encoded again"
            )
        make = partial(self._again, repaired.jpeg, seconds, rotate, flip, bool(unusual))
        time_us, is_repaired = round(seconds * 1e6), repaired.is_repaired
        if not is_wanted:
            later = partial(_first, make)
            return EncodedPicture(time_us, width, height, later, False, is_repaired, note=note)
        jpeg, turned = make()
        return EncodedPicture(time_us, width, height, jpeg, not turned, is_repaired, turned, note)

    def _again(
        self, jpeg: bytes, seconds: float, rotate: str, flip: str, is_unusual: bool
    ) -> tuple[bytes, bool]:
        """The changed JPEG; and True if it was turned without loss."""
        is_turned = bool(rotate or flip)
        if self.timestamp or self.privacy or is_unusual:
            if is_turned:
                why = "the timestamp" if self.timestamp else "its unusual JPEGs"
                why = "its privacy masks" if self.privacy else why
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
        # Pictures that cause warnings would be decoded twice if they were decoded strictly.
        image = decode_jpeg(jpeg, strict=not self._truncation.is_noisy)
        return self._encode(turn_image(image, rotate, flip), seconds), False

    def _encode(self, image: NDArray[np.uint8], seconds: float) -> bytes:
        try:
            if self.privacy:
                image = _cover(image, self.privacy)
            if self.timestamp:
                image = _write_time(image, seconds)
            ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
        except cv2.error as error:
            raise ValueError(f"the picture cannot be encoded as JPEG: {error.err}") from None
        if not ok:
            raise ValueError("the picture cannot be encoded as JPEG")
        return data.tobytes()


def check_image_size(image: NDArray[np.uint8]) -> None:
    """Check that an image can be encoded as JPEG.

    Raises:
        ValueError: it is empty or too large.
    """
    height, width = image.shape[:2]
    if not width or not height:
        raise ValueError("a picture without width or height")
    if max(width, height) > MAX_SIDE:
        raise ValueError(
            f"a picture of {width}x{height}: a JPEG has at most {MAX_SIDE} pixels a side"
        )
    if width * height > jpegs.MAX_PIXELS:
        raise ValueError(
            f"a picture of {width}x{height}: it can have {jpegs.MAX_PIXELS:,} pixels at most"
        )


def _first(make: Callable[[], tuple[bytes, bool]]) -> bytes:
    return make()[0]


def _cover(image: NDArray[np.uint8], polygons: Iterable[Polygon]) -> NDArray[np.uint8]:
    """Fill polygons, with all pixels that they touch, with black."""
    import numpy as np

    height, width = image.shape[:2]
    covered = image.copy()
    for polygon in polygons:
        corners = np.array(polygon) * (width, height)
        # Filled and drawn, so that no pixel of the edge is left.
        points = [np.round(corners).astype(np.int32)]
        cv2.fillPoly(covered, points, (0, 0, 0))
        cv2.polylines(covered, points, True, (0, 0, 0), 2)
    return covered


def _write_time(image: NDArray[np.uint8], seconds: float) -> NDArray[np.uint8]:
    """Draw the local time of capture at the lower left, white with a dark edge."""
    height, width = image.shape[:2]
    text = datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S.%f")[:-5]
    scale = max(0.4, width / 1600)
    line = max(1, round(scale * 1.5))
    at = (width // 64, height - height // 36)
    drawn = image.copy()
    for colour, thick in (((0, 0, 0), line * 3), ((255, 255, 255), line)):
        cv2.putText(drawn, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thick, cv2.LINE_AA)
    return drawn
