"""A camera whose pictures are brought: by a publisher at the frame port, or by user code."""

from __future__ import annotations

import threading
from collections.abc import Callable

from twistedcam.errors import BadArgument, Busy, CameraFailed
from twistedcam.media import jpeg
from twistedcam.media.frame import Frame
from twistedcam.sources.base import Paused, RawPicture, SourceInfo
from twistedcam.sources.spec import Settings, SourceSpec

#: Seconds that a read waits for a picture; so long may a stop of the camera take.
_WAIT = 0.2
_NOBODY = "nobody publishes to it yet: twistedcam publish SOURCE twistedcam://HOST/CAMERA"


class Inbox:
    """Where a publisher leaves pictures for a camera. Holds the newest alone. For any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._publisher: object | None = None
        self._newest: Frame | RawPicture | None = None
        #: Tells the publisher, on the reactor's thread, that a picture of its was refused.
        self._on_refused: Callable[[str], None] | None = None
        self._is_checked = True
        #: Whose picture was refused, and why; until the publisher is told.
        self._refusal: tuple[object, str] | None = None
        self._reason = _NOBODY
        #: Why the publisher brings nothing just now, or None.
        self._pause: str | None = None
        #: Whether a camera has already been told that nobody publishes, and goes on waiting.
        self._is_told = False

    def attach(self, publisher: object, on_refused: Callable[[str], None] | None = None) -> None:
        """From now on this publisher brings pictures.

        Arguments:
            on_refused: called by ``tell_refusal`` with the reason why a picture was refused.

        Raises:
            Busy: there is one already.
        """
        with self._changed:
            if self._publisher is not None and self._publisher is not publisher:
                raise Busy("somebody else publishes to this camera: one at a time")
            self._publisher = publisher
            self._on_refused = on_refused
            self._changed.notify_all()

    def detach(self, publisher: object, reason: str = "the publisher has gone") -> None:
        """This publisher brings no more. Nothing happens if it is not the one."""
        with self._changed:
            if self._publisher is publisher:
                self._publisher = self._on_refused = None
                self._newest = None
                self._pause = None
                self._reason = reason
                self._changed.notify_all()

    def put(self, picture: Frame | RawPicture, is_checked: bool = True) -> None:
        """Leave a picture; one that lies there still is replaced.

        Arguments:
            is_checked: whether it is known that nothing stands behind the end of the JPEG. If not,
                whoever takes it looks, on its own thread.
        """
        with self._changed:
            self._newest = picture
            self._is_checked = is_checked
            self._pause = None
            self._changed.notify_all()

    def pause(self, reason: str) -> None:
        """Until the next ``put`` there are no pictures, for this reason."""
        with self._changed:
            self._newest = None
            self._pause = reason

    def begin(self) -> None:
        """A camera wants pictures.

        Raises:
            CameraFailed: there is no publisher. Said once; the next time there is waiting instead.
        """
        with self._changed:
            if self._publisher is None and not self._is_told:
                self._is_told = True
                raise CameraFailed(self._reason)

    def take(self) -> RawPicture | None:
        """The newest picture that was not taken yet; None if none comes for a while.

        Raises:
            CameraFailed: the publisher has gone.
            Paused: it is there, and brings nothing just now.
            ValueError: the picture has something behind its end; the publisher is to be told.
        """
        with self._changed:
            self._changed.wait_for(self._has_news, _WAIT)
            picture, self._newest = self._newest, None
            is_checked, publisher = self._is_checked, self._publisher
            if picture is None and self._publisher is None and not self._is_told:
                self._is_told = True
                raise CameraFailed(self._reason)
            if picture is not None:
                self._is_told = False
            elif self._pause is not None:
                raise Paused(self._pause)
        if isinstance(picture, Frame):
            if not is_checked:
                self._look_through(picture, publisher)
            return RawPicture(picture.time, jpeg=picture.jpeg)
        return picture

    def tell_refusal(self) -> None:
        """Tell the publisher of a picture that was refused, if it is still there."""
        with self._changed:
            refusal, self._refusal = self._refusal, None
            on_refused = self._on_refused
            if refusal is None or refusal[0] is not self._publisher:
                return
        if on_refused is not None:
            on_refused(refusal[1])

    def _look_through(self, frame: Frame, publisher: object) -> None:
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
        """The camera is started: it is told anew if nobody publishes."""
        with self._changed:
            self._newest = None  # it is as old as the stop
            self._is_told = False

    def _has_news(self) -> bool:
        return self._newest is not None or (self._publisher is None and not self._is_told)


class PushSource:
    """Reads from an inbox.

    Arguments:
        inbox: where pictures are left.
    """

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> PushSource:
        """``push:``."""
        if spec.target:
            raise BadArgument("push: takes settings only, as in push:?quality=80")
        return cls(Inbox())

    def open(self) -> SourceInfo:
        """Ready for pictures, whenever they come."""
        self.inbox.begin()
        return SourceInfo(format="JPEG", detail="pushed", steady=False)

    def read(self) -> RawPicture | None:
        """The next picture."""
        return self.inbox.take()

    def close(self) -> None:
        """There is nothing to let go."""
