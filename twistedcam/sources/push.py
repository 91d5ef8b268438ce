"""A camera whose pictures are published to it: by a frame port client, or by user code."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from twistedcam.errors import BadArgument, Busy, CameraFailed
from twistedcam.media import jpeg
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.sources.base import Paused, RawPacket, RawPicture, SourceInfo
from twistedcam.sources.spec import Settings, SourceSpec

#: The most seconds that ``read`` waits for a picture.
_WAIT = 1.0
#: The most packets, and their bytes, that wait for the camera's thread.
_MAX_PACKETS, _MAX_BYTES = 300, 32 * 2**20
#: The most packets of sound that wait: two seconds and more. Older ones are dropped.
_MAX_SOUNDS = 100
_NOBODY = "nobody publishes to it yet: twistedcam publish SOURCE twistedcam://HOST/CAMERA"


class Inbox:
    """Receives a camera's pictures from a publisher. Thread-safe.

    Of pictures it keeps the newest only. Packets that refer to others are kept in order, up to
    ``_MAX_PACKETS`` and ``_MAX_BYTES``; if there are more, those before the next key frame are
    dropped.

    A packet needs no work on the camera's thread: ``pass_packets`` lets it bypass ``take``.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._publisher: object | None = None
        self._newest: Frame | RawPicture | None = None
        self._packets: deque[Packet] = deque()
        self._packet_bytes = 0
        self._sounds: deque[Packet] = deque(maxlen=_MAX_SOUNDS)
        self._pass_on: Callable[[RawPacket], None] | None = None
        #: True from the end of a ``take`` that has taken something to the next ``take``.
        self._is_in_flight = False
        self._is_interrupted = False
        #: True if a packet was dropped to which the next ones refer.
        self._is_broken = False
        #: Called on the reactor's thread with the reason if a picture was refused.
        self._on_refused: Callable[[str], None] | None = None
        self._is_checked = True
        #: The publisher of a picture that was refused, and the reason; None once it was notified.
        self._refusal: tuple[object, str] | None = None
        self._reason = _NOBODY
        #: The reason why there is no picture now, or None.
        self._pause: str | None = None
        #: True if the camera knows that there is no publisher.
        self._is_reported = False

    def attach(
        self,
        publisher: object,
        on_refused: Callable[[str], None] | None = None,
        instead_of: object | None = None,
    ) -> None:
        """Accept pictures of a publisher.

        Arguments:
            on_refused: called by ``tell_refusal`` with the reason why a picture was refused.
            instead_of: a publisher whose place it takes, such as its own lost connection.

        Raises:
            Busy: there is another publisher.
        """
        with self._changed:
            if self._publisher not in (None, publisher, instead_of):
                raise Busy("somebody else publishes to this camera: one at a time")
            self._publisher = publisher
            self._on_refused = on_refused
            self._changed.notify_all()

    def detach(self, publisher: object, reason: str = "the publisher has gone") -> None:
        """Remove a publisher. Does nothing if it is not attached."""
        with self._changed:
            if self._publisher is publisher:
                self._publisher = self._on_refused = None
                self._forget_all()
                self._pause = None
                self._reason = reason
                self._changed.notify_all()

    def put(self, picture: Packet | RawPicture, is_checked: bool = True) -> None:
        """Put a picture in place of one that was not taken yet, or a packet after the last.

        Arguments:
            picture: a Frame, a picture, or a packet of H.264 or H.265.
            is_checked: True if the JPEG is known to have no bytes after its end; if not, ``take``
                checks it, on its thread.
        """
        pass_on = None
        with self._changed:
            if isinstance(picture, (Frame, RawPicture)):
                self._forget()
                self._newest = picture
                self._is_checked = is_checked
                self._changed.notify_all()
            elif self._admits(picture):
                pass_on = self._current_pass_on()
                if pass_on is None:
                    self._packets.append(picture)
                    self._packet_bytes += len(picture.data)
                    self._changed.notify_all()
            self._pause = None
        if pass_on is not None and isinstance(picture, Packet):
            pass_on(RawPacket.of(picture))

    def put_sound(self, packet: Packet) -> None:
        """Put a packet of sound after the last."""
        with self._changed:
            pass_on = self._current_pass_on()
            if pass_on is None:
                self._sounds.append(packet)
                self._changed.notify_all()
        if pass_on is not None:
            pass_on(RawPacket.of(packet))

    def pass_packets(self, pass_on: Callable[[RawPacket], None] | None) -> None:
        """Let ``put`` call this function with each packet that need not wait for others.

        Arguments:
            pass_on: the function; None: all packets wait for ``take`` again.
        """
        with self._changed:
            self._pass_on = pass_on

    def interrupt(self) -> None:
        """Let ``take`` return at once."""
        with self._changed:
            self._is_interrupted = True
            self._changed.notify_all()

    def pause(self, reason: str) -> None:
        """Set the reason why there are no pictures until the next ``put``."""
        with self._changed:
            self._forget_all()
            self._pause = reason

    def begin(self) -> None:
        """Begin to read pictures.

        Raises:
            CameraFailed: there is no publisher. Raised once; later the camera waits for one.
        """
        with self._changed:
            self._is_interrupted = False
            if self._publisher is None and not self._is_reported:
                self._is_reported = True
                raise CameraFailed(self._reason)

    def take(self) -> RawPicture | RawPacket | None:
        """Wait for the newest picture, or the next packet of video or sound, and take it.

        Return None if none arrives for a while.

        Raises:
            CameraFailed: the publisher has gone.
            Paused: there is no picture now, for a known reason.
            ValueError: the JPEG is corrupt or has bytes after its end; call ``tell_refusal``.
        """
        with self._changed:
            self._is_in_flight = False
            self._changed.wait_for(self._has_news, _WAIT)
            self._is_interrupted = False
            has_picture = self._newest is not None or bool(self._packets)
            self._is_in_flight = has_picture or bool(self._sounds)
            picture: Packet | RawPicture | None
            if self._packets:
                picture = self._packets.popleft()
                self._packet_bytes -= len(picture.data)
            else:
                picture, self._newest = self._newest, None
            if picture is None and self._sounds:
                return RawPacket.of(self._sounds.popleft())
            is_checked, publisher = self._is_checked, self._publisher
            if picture is None and self._publisher is None and not self._is_reported:
                self._is_reported = True
                raise CameraFailed(self._reason)
            if picture is not None:
                self._is_reported = False
            elif self._pause is not None:
                raise Paused(self._pause)
        if isinstance(picture, Frame):
            if not is_checked:
                self._check(picture, publisher)
            return RawPicture(picture.time, jpeg=picture.jpeg)
        if isinstance(picture, Packet):
            return RawPacket.of(picture)
        return picture

    def tell_refusal(self) -> None:
        """Tell the publisher that a picture was refused, if it is still attached."""
        with self._changed:
            refusal, self._refusal = self._refusal, None
            on_refused = self._on_refused
            if refusal is None or refusal[0] is not self._publisher:
                return
        if on_refused is not None:
            on_refused(refusal[1])

    def _check(self, frame: Frame, publisher: object) -> None:
        reason = ""
        try:
            end = jpeg.first_end(frame.jpeg, jpeg.read_header(frame.jpeg).scan_at)
            if end is not None and end + len(jpeg.EOI) != len(frame.jpeg):
                reason = f"frame {frame.seq}: bytes follow the JPEG"
        except ValueError as error:
            reason = f"frame {frame.seq}: {error}"
        if reason:
            with self._changed:
                self._refusal = publisher, reason
            raise ValueError(reason)

    def renew(self) -> None:
        """Drop the picture, and report again if there is no publisher."""
        with self._changed:
            self._forget_all()  # it is from before the stop
            self._is_reported = False

    def _current_pass_on(self) -> Callable[[RawPacket], None] | None:
        """Return the function of ``pass_packets``, unless an earlier packet has to come first."""
        if self._pass_on is None or self._is_in_flight or self._packets or self._sounds:
            return None
        self._is_reported = False
        return self._pass_on

    def _admits(self, packet: Packet) -> bool:
        """Make room for a packet. Return False if it refers to one that was dropped."""
        self._newest = None
        is_full = len(self._packets) >= _MAX_PACKETS or self._packet_bytes >= _MAX_BYTES
        if is_full:
            self._forget()
        if packet.is_keyframe:
            self._is_broken = False
        return not self._is_broken

    def _forget(self) -> None:
        self._newest = None
        self._packets.clear()
        self._packet_bytes = 0
        self._is_broken = True

    def _forget_all(self) -> None:
        self._forget()
        self._sounds.clear()

    def _has_news(self) -> bool:
        has_picture = self._newest is not None or bool(self._packets)
        is_lost = self._publisher is None and not self._is_reported
        return has_picture or bool(self._sounds) or is_lost or self._is_interrupted


class PushSource:
    """Reads pictures from an inbox.

    Arguments:
        inbox: receives the pictures.
    """

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> PushSource:
        """Return the source for ``push:``."""
        if spec.target:
            raise BadArgument("push: takes settings only, as in push:?quality=80")
        return cls(Inbox())

    def open(self) -> SourceInfo:
        """Begin to read the inbox. A publisher may send any codec, and change it."""
        self.inbox.begin()
        return SourceInfo(detail="pushed", steady=False)

    def read(self) -> RawPicture | RawPacket | None:
        """Return the next picture or packet."""
        return self.inbox.take()

    def interrupt(self) -> None:
        """Make a ``read`` in progress return at once."""
        self.inbox.interrupt()

    def pass_packets(self, pass_on: Callable[[RawPacket], None] | None) -> None:
        """Let packets bypass ``read`` (base.PassesPackets)."""
        self.inbox.pass_packets(pass_on)

    def close(self) -> None:
        """Do nothing."""
