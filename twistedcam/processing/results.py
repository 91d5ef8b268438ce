"""What user code gave, read with care: a picture, something to tell, both, or nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twistedcam.codecs.jpeg_encoder import MOST_SIDE
from twistedcam.media.frame import Frame
from twistedcam.media.jpeg import MOST_PIXELS
from twistedcam.sources.base import RawPicture

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Characters of JSON that may be told at once: every listener gets them.
MOST_TOLD = 64 * 1024


class BadResult(Exception):
    """User code gave something that is no result."""


@dataclass(frozen=True)
class Result:
    """One result.

    Arguments:
        frame: the frame that it was made of.
        image: a new picture, (height, width, 3) uint8, BGR; or None: the frame's own.
        data: what is told, as JSON has it; or None for nothing.
        jpeg: the new picture, where it is encoded already.
    """

    frame: Frame
    image: NDArray[np.uint8] | None = None
    data: Any = None
    jpeg: bytes | None = None

    @property
    def grab(self) -> RawPicture:
        """The picture that is shown, with the frame's time of capture."""
        if self.image is not None:
            return RawPicture(self.frame.time, image=self.image)
        return RawPicture(self.frame.time, jpeg=self.jpeg or self.frame.jpeg)


def read_result(value: Any, frame: Frame) -> Result | None:
    """A result from what user code returned or yielded; None where it gave None.

    Raises:
        BadResult: it is nothing that it could be; the message says what it can be.
    """
    if value is None:
        return None
    if isinstance(value, tuple) and len(value) == 2:
        picture, data = value
        return Result(frame, _image(picture), None if data is None else _told(data))
    if isinstance(value, (dict, list)):
        return Result(frame, data=_told(value))
    return Result(frame, _image(value))


def _image(value: Any) -> NDArray[np.uint8] | None:
    """An image as it will be encoded, or None for the frame's own picture."""
    if value is None or isinstance(value, Frame):
        return None
    if not isinstance(value, np.ndarray):
        raise BadResult(
            f"it gave {type(value).__name__}: it has to be a picture (an array), a dict or list to "
            "be told, (picture, dict), the frame, or None"
        )
    if value.dtype != np.uint8:
        raise BadResult(f"its picture has numbers of type {value.dtype}: they have to be uint8")
    if value.ndim in (2, 3) and max(value.shape[:2]) > MOST_SIDE:
        size = f"{value.shape[1]}x{value.shape[0]}"
        raise BadResult(f"its picture is {size} pixels: a JPEG has at most {MOST_SIDE} a side")
    if value.ndim in (2, 3) and value.shape[0] * value.shape[1] > MOST_PIXELS:
        size = f"{value.shape[1]}x{value.shape[0]}"
        raise BadResult(f"its picture is {size} pixels: it can have {MOST_PIXELS:,}")
    if value.ndim == 2 and value.size:  # grey
        return np.repeat(value[:, :, None], 3, axis=2)
    if value.ndim != 3 or value.shape[2] != 3 or not value.size:
        raise BadResult(f"its picture has the shape {value.shape}: it has to be (height, width, 3)")
    return np.array(value, order="C")  # a copy: the code may go on drawing in its own


def _told(value: Any) -> Any:
    try:
        text = json.dumps(value, default=_plain, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadResult(f"what it tells cannot be written as JSON: {error}") from None
    if len(text) > MOST_TOLD:
        raise BadResult(f"it tells {len(text)} characters at once: {MOST_TOLD} at most")
    return json.loads(text)


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no form there")
