"""A camera of another twistedcam server, passed on unchanged over one connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable

from twisted.logger import Logger

from twistedcam import wire
from twistedcam.clients.frames.address import CameraAddress, parse_target
from twistedcam.clients.frames.blocking import open_socket, reason_of
from twistedcam.clients.frames.session import ClientSession
from twistedcam.errors import CameraFailed, TwistedcamError
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.sources.base import Paused, RawPacket, RawPicture, SourceInfo
from twistedcam.sources.spec import Settings, SourceSpec

log = Logger()

#: The most seconds until the other server accepts the connection, and between two messages.
TIMEOUT = 5.0
#: The most changes of the other camera's state or reason per second that are passed on.
MAX_CHANGES = 4
#: The most messages per second, other than frames. If there are more, the connection is read more
#: slowly.
MAX_MESSAGES = 200
_CHUNK = 256 * 1024
#: The bytes of a read from a server that sends too many messages, and the messages in a read from
#: which they are too many.
_SMALL_CHUNK = 8 * 1024
_MANY = 20
#: Codecs of pictures and sound that are passed on, those that the other camera may encode first.
_CODECS = ("h264", "hevc", "mjpeg", "opus", "aac")
#: Servers whose invalid states were logged, which is done once for each.
_logged: set[str] = set()
_MAX_LOGGED = 1000


class RelaySource:
    """Joins the other server as a viewer. Pictures keep their bytes and times of capture.

    While the other camera has no picture, this one is recovering with the reason of the other.

    Arguments:
        target: the other camera.
        wait: the most seconds that ``read`` waits for a picture.
    """

    def __init__(self, target: CameraAddress, wait: float = 1.0) -> None:
        self.target = target
        self._wait = wait
        self._socket: socket.socket | None = None
        self._session = self._make_session()
        self._frames: deque[Packet] = deque()
        self._state: wire.State | None = None
        self.via: tuple[str, ...] = ()
        self.is_muted = False
        self._received_at = 0.0
        #: The last state of the other camera that was passed on, and its time.
        self._passed_on = ""
        self._passed_on_at = -TIMEOUT
        self._chunk = _CHUNK
        self._interrupted = threading.Event()

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> RelaySource:
        """Return the source for ``twistedcam://[:TOKEN@]HOST[:PORT][/CAMERA]``."""
        return cls(parse_target(f"{spec.scheme}:{spec.target}"))

    def open(self) -> SourceInfo:
        """Connect, join, and wait for the state of the camera."""
        self._session = self._make_session()
        self._frames.clear()
        self._state = None
        self._interrupted.clear()
        try:
            self._socket = open_socket(self.target, TIMEOUT)
            self._socket.settimeout(self._wait)
        except OSError as error:
            raise CameraFailed(f"{self.target}: {reason_of(error)}") from None
        self._received_at = time.monotonic()
        until = self._received_at + TIMEOUT
        while self._state is None:
            if time.monotonic() > until:
                self.close()
                raise CameraFailed(f"{self.target} does not answer")
            self._receive()
        state = self._state
        size = (state.width, state.height)
        shown = str(self.target)
        return SourceInfo(*size, state.fps, "relay", shown, steady=False)

    def read(self) -> RawPicture | RawPacket | None:
        """Return the next picture or packet."""
        if not self._frames:
            self._receive()
        if self._frames:
            frame = self._frames.popleft()
            if not isinstance(frame, Frame):
                return RawPacket.of(frame)
            return RawPicture(frame.time_us / 1e6, jpeg=frame.jpeg)
        state = self._state
        if state is not None and state.state != "live" and self._may_pass_on(state):
            raise Paused(self._passed_on)
        return None

    def interrupt(self) -> None:
        """Interrupt a read."""
        self._interrupted.set()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Send BYE and close the connection."""
        connection, self._socket = self._socket, None
        if connection is None:
            return
        self._session.bye()
        with contextlib.suppress(OSError):
            connection.sendall(self._session.output())
        connection.close()

    def _make_session(self) -> ClientSession:
        return ClientSession(self.target, codecs=_CODECS)

    def _may_pass_on(self, state: wire.State) -> bool:
        """Return True if the state may be passed on: at most ``MAX_CHANGES`` changes per second."""
        reason = f": {state.reason}" if state.reason else ""
        text = f"{self.target} is {state.state}{reason}"
        if text != self._passed_on:
            now = time.monotonic()
            if now - self._passed_on_at < 1 / MAX_CHANGES:
                return False
            self._passed_on, self._passed_on_at = text, now
        return True

    def _slow_down(self, messages: int) -> None:
        """Wait before the next read if the last one had too many messages."""
        self._chunk = _CHUNK
        if messages > _MANY:
            self._chunk = _SMALL_CHUNK
            self._interrupted.wait(min(1.0, messages / MAX_MESSAGES))

    def _log_refused(self) -> None:
        """Log once for each server that its states contain invalid values."""
        target = str(self.target)
        if self._session.refused and target not in _logged and len(_logged) < _MAX_LOGGED:
            _logged.add(target)
            log.warn(
                "{target} announces {what}; this is ignored",
                target=target,
                what=self._session.refused,
            )

    def _receive(self) -> None:
        """Wait for data and process it."""
        assert self._socket is not None, "not open"
        try:
            data = self._try(self._socket.recv)
            if data == b"":
                raise CameraFailed(f"{self.target} has closed the connection")
            now = time.monotonic()
            messages = self._session.other_messages
            if data:
                self._received_at = now
            elif now - self._received_at > TIMEOUT:
                raise CameraFailed(f"{self.target}: nothing came for {TIMEOUT:g} s")
            for item in self._session.receive(data, now) if data else ():
                if isinstance(item, wire.State):
                    self._state = item
                    self.via, self.is_muted = item.via, item.muted
                else:
                    self._frames.append(item)
            self._session.tick(now)
            if out := self._session.output():
                self._socket.sendall(out)
            self._log_refused()
            self._slow_down(self._session.other_messages - messages)
        except CameraFailed:
            raise
        except (OSError, TwistedcamError) as error:
            name, reason = str(self.target), reason_of(error)
            raise CameraFailed(reason if reason.startswith(name) else f"{name}: {reason}") from None

    def _try(self, receive: Callable[[int], bytes]) -> bytes | None:
        try:
            return receive(self._chunk)
        except (TimeoutError, ssl.SSLWantReadError):
            return None
