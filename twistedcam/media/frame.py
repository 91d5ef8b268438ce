"""Frames: one picture of one camera each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class UndecodableFrame(ValueError):
    """A frame whose JPEG no decoder can read."""


@final
class Frame:
    """One picture of one camera, captured once and never changed.

    Arguments:
        seq: sequence number, 1, 2, 3 … per camera, never reset while the server runs.
        time_us: time of capture in microseconds since the UNIX epoch.
        width, height: size in pixels.
        jpeg: the JPEG file, from SOI to EOI; or a function that encodes it on first use.
    """

    __slots__ = ("__weakref__", "_image", "_jpeg", "_shared", "height", "seq", "time_us", "width")

    def __init__(
        self, seq: int, time_us: int, width: int, height: int, jpeg: bytes | Callable[[], bytes]
    ) -> None:
        self.seq = seq
        self.time_us = time_us
        self.width = width
        self.height = height
        self._jpeg = jpeg
        self._image: NDArray[np.uint8] | None = None
        self._shared: dict[object, Any] = {}

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
    def time(self) -> float:
        """Time of capture in seconds since the UNIX epoch."""
        return self.time_us / 1e6

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

    def shared(self, make: Any) -> Any:
        """The result of ``make(frame)``, made once and kept as long as the frame.

        All senders of a frame share its wire message and its memory file in this way.
        """
        try:
            return self._shared[make]
        except KeyError:
            made = self._shared[make] = make(self)
            return made

    def share(self, make: Any, form: Any) -> None:
        """Keep ``form`` as the result of ``make``."""
        self._shared[make] = form

    def __repr__(self) -> str:
        size = f"{self.width}x{self.height}"
        return f"<Frame {self.seq} {size} at {self.time:.6f}>"
