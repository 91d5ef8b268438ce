"""What every source is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


#: What to say of a camera that refuses a log-in, or that wants one.
LOGIN_REFUSED = "The camera refuses this user name or password: change them in the camera's address"
LOGIN_WANTED = (
    "The camera wants a user name and a password: write them into its address as USER:PASSWORD@HOST"
)


@dataclass(frozen=True)
class RequestedMode:
    """The mode that a source requested; the device may have granted another."""

    width: int
    height: int
    fps: float
    format: str

    def __str__(self) -> str:
        form = "" if self.format == "any" else f" {self.format}"
        return f"{self.width}x{self.height}{form} at {self.fps:g} fps"


@dataclass(frozen=True)
class SourceInfo:
    """The format of a source that is open.

    Arguments:
        width, height: pixels; 0 while unknown.
        fps: the frames per second that the device promises; 0 if it promises none.
        format: the pixel format, such as ``MJPG`` or ``YUYV``.
        detail: a description for people, such as the name of the device.
        steady: True if frames arrive at the promised rate, so that silence means a stall.
        asked: the mode that was requested, if the device may grant another.
        device: the path of the device's file; empty if there is none.
        note: a sentence about a request that was not fulfilled; empty if there is none.
    """

    width: int = 0
    height: int = 0
    fps: float = 0.0
    format: str = ""
    detail: str = ""
    steady: bool = True
    asked: RequestedMode | None = None
    device: str = ""
    note: str = ""

    @property
    def offer(self) -> str:
        """Size, format and rate; nothing while they are not known."""
        size = f"{self.width}x{self.height} " if self.width else ""
        rate = f" at {self.fps:g} fps" if self.fps else ""
        return f"{size}{self.format}{rate}".strip()

    @property
    def _differs(self) -> bool:
        """Whether it is not what was asked for."""
        asked = self.asked
        if asked is None:
            return False
        same_format = asked.format in ("any", self.format)
        size = (self.width, self.height)
        return size != (asked.width, asked.height) or self.fps != asked.fps or not same_format

    def __str__(self) -> str:
        asked = f" ({self.asked} was requested)" if self._differs else ""
        note = f"; {self.note}" if self.note else ""
        return f"{self.offer} from {self.detail}{asked}{note}"


@dataclass(frozen=True)
class RawPicture:
    """One picture as the source has it: a JPEG, or an image still to be encoded.

    Arguments:
        time: time of capture, seconds since the UNIX epoch.
        jpeg: the JPEG file as it came, or None.
        image: (height, width, 3) uint8, BGR; or None where there is a JPEG.
        size: the (width, height) that the picture has to have, or None where any will do.
        fault: why there is neither a JPEG nor an image: a broken picture, which is counted.
    """

    time: float
    jpeg: bytes | None = None
    image: NDArray[np.uint8] | None = None
    size: tuple[int, int] | None = None
    fault: str = ""


class Source(Protocol):
    """A camera's device, file or connection.

    All three methods block and are called on the camera's own thread, one at a time.
    """

    def open(self) -> SourceInfo:
        """Take the device.

        Raises:
            CameraFailed: it cannot be had; the message says why, and what to do.
        """

    def read(self) -> RawPicture | None:
        """Wait for the next picture; None where there was none within a second or so.

        Raises:
            CameraFailed: there will be no more: it has to be opened anew.
        """

    def close(self) -> None:
        """Let the device go. Does nothing if it is not open."""


@runtime_checkable
class Reappearing(Protocol):
    """A source that can detect, while it is closed, that its device has come back."""

    def device_signature(self) -> object:
        """Return None while the device is absent, else a value that changes when the device does.

        Called on the reactor's thread, several times a second: it must be cheap.
        """


@runtime_checkable
class Interruptible(Protocol):
    """A source whose waiting can be cut short."""

    def interrupt(self) -> None:
        """Let a ``read`` under way come back at once, in whatever way. Called on any thread."""


@runtime_checkable
class Relaying(Protocol):
    """A source whose pictures come from another server's camera."""

    #: The cameras that they come through, the nearest first (wire.State).
    via: tuple[str, ...]


class Paused(Exception):
    """Raised by ``read``: no pictures now, for a reason that is known; reading on is right.

    The camera is recovering for that reason until the next picture; nothing is opened anew.
    """
