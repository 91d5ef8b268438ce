"""Results of user code: a picture, data, both, or nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from twistedcam.codecs.jpeg_encoder import MAX_SIDE
from twistedcam.media.frame import Frame
from twistedcam.media.jpeg import MAX_PIXELS
from twistedcam.sources.base import RawPicture
from twistedcam.util.libraries import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The most characters of JSON in one result: every listener gets them.
MAX_DATA = 64 * 1024


class BadResult(Exception):
    """User code returned or yielded a value that is no result."""


@dataclass(frozen=True)
class Result:
    """A result of user code.

    Arguments:
        frame: the frame from which it was made.
        image: a new picture, (height, width, 3) uint8, BGR; None for the frame's own.
        data: JSON data for the event, or None.
        jpeg: the new picture, if it is encoded already.
    """

    frame: Frame
    image: NDArray[np.uint8] | None = None
    data: Any = None
    jpeg: bytes | None = None

    @cached_property
    def picture(self) -> RawPicture:
        """The picture that is shown, with the frame's time of capture. May encode the frame."""
        if self.image is not None:
            return RawPicture(self.frame.time, image=self.image)
        return RawPicture(self.frame.time, jpeg=self.jpeg or self.frame.jpeg)


def read_result(value: Any, frame: Frame) -> Result | None:
    """Return the result for a value that user code returned or yielded; None for None.

    Raises:
        BadResult: the value is no result; the message says what a result can be.
    """
    if value is None:
        return None
    if isinstance(value, tuple) and len(value) == 2:
        picture, data = value
        return Result(frame, _image(picture), None if data is None else _json(data))
    if isinstance(value, (dict, list)):
        return Result(frame, data=_json(value))
    return Result(frame, _image(value))


def _image(value: Any) -> NDArray[np.uint8] | None:
    """Return an image for the encoder, or None for the frame's own picture."""
    if value is None or isinstance(value, Frame):
        return None
    if not isinstance(value, np.ndarray):
        raise BadResult(
            f"a result cannot be of type {type(value).__name__}: it must be a picture (an array), "
            "a dict or list, (picture, dict), the frame, or None"
        )
    if value.dtype != np.uint8:
        raise BadResult(f"its picture has the type {value.dtype}: it must be uint8")
    if value.ndim in (2, 3) and max(value.shape[:2]) > MAX_SIDE:
        size = f"{value.shape[1]}x{value.shape[0]}"
        raise BadResult(f"its picture is {size} pixels: a JPEG has at most {MAX_SIDE} a side")
    if value.ndim in (2, 3) and value.shape[0] * value.shape[1] > MAX_PIXELS:
        size = f"{value.shape[1]}x{value.shape[0]}"
        raise BadResult(f"its picture is {size} pixels: it can have {MAX_PIXELS:,}")
    if value.ndim == 2 and value.size:  # grey
        return np.repeat(value[:, :, None], 3, axis=2)
    if value.ndim != 3 or value.shape[2] != 3 or not value.size:
        raise BadResult(f"its picture has the shape {value.shape}: it must be (height, width, 3)")
    return np.array(value, order="C")  # a copy, because the code may change its own later


def _json(value: Any) -> Any:
    try:
        text = json.dumps(value, default=_as_json, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadResult(f"its data cannot be written as JSON: {error}") from None
    if len(text) > MAX_DATA:
        raise BadResult(f"its data has {len(text)} characters of JSON: {MAX_DATA} at most")
    return json.loads(text)


def _as_json(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no form in JSON")
