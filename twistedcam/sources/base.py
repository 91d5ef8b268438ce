"""The interface of sources, and the pictures and facts that they return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from twisted.internet.defer import Deferred

from twistedcam.media.packet import Packet
from twistedcam.media.track import Track

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from twistedcam.errors import CameraFailed


#: The reasons of a camera that refuses a login, or needs one.
LOGIN_REFUSED = "The camera refuses this user name or password: change them in the camera's address"
LOGIN_WANTED = (
    "The camera needs a user name and a password: write them into its address as USER:PASSWORD@HOST"
)
#: The reason of an address whose host has no address.
NO_SUCH_NAME = "no computer of this name was found"


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
        sound: the track of its sound, if it is known; else it is known by the first packet.
        sound_fault: the reason why its sound cannot be received; empty if there is none.
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
    sound: Track | None = None
    sound_fault: str = ""

    @property
    def offer(self) -> str:
        """Size, format and rate as text; empty while they are unknown."""
        size = f"{self.width}x{self.height} " if self.width else ""
        rate = f" at {self.fps:g} fps" if self.fps else ""
        return f"{size}{self.format}{rate}".strip()

    @property
    def _differs(self) -> bool:
        """True if the device has not granted the requested mode."""
        asked = self.asked
        if asked is None:
            return False
        same_format = asked.format in ("any", self.format)
        size = (self.width, self.height)
        return size != (asked.width, asked.height) or self.fps != asked.fps or not same_format

    def __str__(self) -> str:
        asked = f" ({self.asked} was requested)" if self._differs else ""
        note = f"; {self.note}" if self.note else ""
        mode = f"{self.offer} from " if self.offer else ""
        return f"{mode}{self.detail}{asked}{note}"


@dataclass(frozen=True)
class RawPicture:
    """A picture as the source delivers it: a JPEG, or an image that is not encoded yet.

    Arguments:
        time: time of capture, seconds since the UNIX epoch.
        jpeg: the JPEG file, or None.
        image: (height, width, 3) uint8, BGR; None if there is a JPEG.
        size: the (width, height) that the picture must have; None for any.
        fault: the reason why the picture is corrupt, if there is neither a JPEG nor an image.
    """

    time: float
    jpeg: bytes | None = None
    image: NDArray[np.uint8] | None = None
    size: tuple[int, int] | None = None
    fault: str = ""


class RawPacket(NamedTuple):
    """A packet as the source delivers it, before the camera has numbered it.

    A source delivers the packets of a video track from a key frame on, and after a lost or broken
    packet from the next key frame on.

    Arguments:
        track: the track; another one where a decoder must begin again.
        time: time of capture, seconds since the UNIX epoch.
        data: as in :class:`~twistedcam.media.packet.Packet`.
        is_keyframe: True if a decoder can begin here.
        reorder_us: microseconds from the time of decoding to that of presentation; 0 unless
            pictures are sent in another order than they are shown. ``time`` is that of
            presentation.
    """

    track: Track
    time: float
    data: bytes
    is_keyframe: bool = True
    reorder_us: int = 0

    @classmethod
    def of(cls, packet: Packet) -> RawPacket:
        """A packet of another server or program as a source delivers it."""
        reorder_us = packet.pts - packet.dts
        return cls(packet.track, packet.time, packet.data, packet.is_keyframe, reorder_us)


class Source(Protocol):
    """A camera's device, file or connection.

    The methods block. They are called on the camera's thread, one at a time.
    """

    def open(self) -> SourceInfo:
        """Open the device.

        Raises:
            CameraFailed: it cannot be opened; the message says why, and what to do.
        """

    def read(self) -> RawPicture | RawPacket | None:
        """Wait for the next picture; return None if there was none for about a second.

        A source that encodes returns packets.

        Raises:
            CameraFailed: there will be no more pictures; the source must be opened again.
            Paused: there is no picture now, for a known reason.
            SourceEnded: the source has delivered its last picture.
        """

    def close(self) -> None:
        """Close the device. Does nothing if it is not open."""


class ReactorSourceListener(Protocol):
    """Receives what a ReactorSource delivers, on the reactor's thread."""

    def on_opened(self, granted: SourceInfo) -> None:
        """The source is open. Called once, before all others but ``on_failed``."""

    def on_raw(self, raw: RawPicture | RawPacket) -> None:
        """A picture, a packet of video or a packet of sound has arrived."""

    def on_corrupt(self, reason: str) -> None:
        """A picture has arrived that cannot be used, or packets of it were lost."""

    def on_sound_fault(self, reason: str) -> None:
        """The source's sound cannot be used; its pictures can."""

    def on_failed(self, error: CameraFailed) -> None:
        """The source cannot be opened, or will deliver no more: it must be started again."""


@runtime_checkable
class ReactorSource(Protocol):
    """A source that needs no thread: it delivers by callbacks on the reactor's thread."""

    def start(self, listener: ReactorSourceListener) -> None:
        """Connect, and deliver until ``stop``. Errors are told by ``on_failed``."""

    def stop(self) -> Deferred[None]:
        """Deliver no more, and disconnect; fires when that is done."""


@runtime_checkable
class Gathering(Protocol):
    """A source that can let packets gather, and deliver several at once: that costs less."""

    def gather(self, wanted: bool) -> float:
        """Let packets gather, or deliver each one at once.

        Returns the seconds by which packets may come late from now on.
        """

    def collect(self) -> None:
        """Deliver at once what has gathered so far."""


@runtime_checkable
class Reappearing(Protocol):
    """A source that can detect, while it is closed, that its device has come back."""

    def device_signature(self) -> object:
        """Return None while the device is absent, else a value that changes when the device does.

        Called on the reactor's thread, several times a second: it must be cheap.
        """


@runtime_checkable
class Interruptible(Protocol):
    """A source whose ``read`` can be interrupted."""

    def interrupt(self) -> None:
        """Make a ``read`` in progress return or raise at once. Called on any thread."""


@runtime_checkable
class PassesPackets(Protocol):
    """A source to which packets come on the reactor's thread, and pictures for its ``read``."""

    def pass_packets(self, pass_on: Callable[[RawPacket], None] | None) -> None:
        """Call a function with each packet as soon as it comes; None: leave them to ``read``."""


@runtime_checkable
class CountsLost(Protocol):
    """A source whose device numbers its pictures, so that lost ones can be counted."""

    @property
    def lost(self) -> int:
        """The number of pictures that the device has lost so far, also after closing."""


@runtime_checkable
class Relaying(Protocol):
    """A source whose pictures come from a camera of another server."""

    #: The ids of the cameras that they pass through, the nearest first (wire.State).
    via: tuple[str, ...]
    #: True if that camera is muted.
    is_muted: bool


class Paused(Exception):
    """Raised by ``read`` if there is no picture now, for a known reason.

    The camera is recovering for that reason until the next picture; it is not opened again.
    """
