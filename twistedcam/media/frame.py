"""Frames: one picture of one camera each."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, final

from twistedcam.media.packet import Packet
from twistedcam.media.track import VIDEO, Track

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class UndecodableFrame(ValueError):
    """A frame whose JPEG no decoder can read."""


@lru_cache(maxsize=64)
def jpeg_track(width: int, height: int) -> Track:
    """The track of JPEG frames of that size: the same object each time."""
    return Track(VIDEO, "video", "mjpeg", width, height)


@final
class Frame(Packet):
    """One picture of one camera, captured once and never changed: a packet of the codec JPEG.

    Arguments:
        seq: sequence number, 1, 2, 3 … per camera, never reset while the server runs.
        time_us: time of capture in microseconds since the UNIX epoch.
        width, height: size in pixels.
        jpeg: the JPEG file, from SOI to EOI; or a function that encodes it on first use.
    """

    __slots__ = ("_image", "_jpeg", "height", "width")

    #: Each JPEG can be decoded alone.
    is_keyframe = True

    def __init__(
        self, seq: int, time_us: int, width: int, height: int, jpeg: bytes | Callable[[], bytes]
    ) -> None:
        # Not by the base class, whose ``data`` and ``track`` are made on demand here.
        self.seq = seq
        self.time_us = self.pts = self.dts = time_us
        self.width = width
        self.height = height
        self._jpeg = jpeg
        self._image: NDArray[np.uint8] | None = None
        self._shared = None

    @property
    def track(self) -> Track:  # type: ignore[override]
        """The track of JPEG frames of this size."""
        return jpeg_track(self.width, self.height)

    @property
    def data(self) -> bytes:  # type: ignore[override]
        """The JPEG file, as ``jpeg``."""
        return self.jpeg

    @property
    def jpeg(self) -> bytes:
        """The JPEG file, from SOI to EOI.

        Raises:
            ValueError: it is encoded on this first use, and cannot be.
        """
        if not isinstance(self._jpeg, bytes):
            self._jpeg = self._jpeg()
        return self._jpeg

    @property
    def is_encoded(self) -> bool:
        """True if ``jpeg`` is encoded already, so that reading it costs nothing."""
        return isinstance(self._jpeg, bytes)

    @property
    def image(self) -> NDArray[np.uint8]:
        """The picture as (height, width, 3) uint8, BGR; decoded on first use, then kept.

        The array is shared, so it is read-only. An EXIF orientation is applied; servers remove it.

        Raises:
            UndecodableFrame: the JPEG cannot be decoded. It is a ValueError.
        """
        if self._image is None:
            from twistedcam.media.jpeg_decoder import decode_upright

            try:
                image = decode_upright(self.jpeg)
            except ValueError:
                raise UndecodableFrame(f"frame {self.seq} cannot be decoded as JPEG") from None
            image.flags.writeable = False
            self._image = image
        return self._image

    def bare(self, dts: int | None = None) -> Frame:
        """The same frame without its decoded image and the forms that it keeps for senders."""
        bare = Frame(self.seq, self.time_us, self.width, self.height, self._jpeg)
        bare.pts = bare.dts = self.dts if dts is None else dts
        return bare

    def __repr__(self) -> str:
        size = f"{self.width}x{self.height}"
        return f"<Frame {self.seq} {size} at {self.time:.6f}>"
