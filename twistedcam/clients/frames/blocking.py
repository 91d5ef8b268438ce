"""A client of the frame protocol for programs without an event loop."""

from __future__ import annotations

import contextlib
import logging
import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from twistedcam import wire
from twistedcam.clients.frames.address import CameraAddress
from twistedcam.clients.frames.packet_queue import AnyFrame, PacketQueue
from twistedcam.clients.frames.pictures import PictureGroups
from twistedcam.clients.frames.session import REFUSALS, ClientSession, ClockOffset, check_codecs
from twistedcam.clients.sockets import connect_tcp, connect_unix
from twistedcam.errors import Disconnected, TwistedcamError
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.runtime.backoff import Backoff
from twistedcam.tls.client import explained

log = logging.getLogger(__name__)

#: Seconds between two warnings about a missing connection.
WARN_EVERY = 60.0
_CHUNK = 256 * 1024
_CONNECT_TIMEOUT = 5.0
_FIRST_WAIT = 0.1
_LONGEST_WAIT = 5.0


class FrameReader:
    """Receives frames on its own thread and keeps the newest, or packets in their order.

    Arguments:
        target: the camera.
        reconnect: connect again when the connection is lost; otherwise the reader ends.
        on_frame: called with each frame, in order, on the reader's thread.
        on_sound: called with each packet of sound, on the reader's thread; None: ``take`` returns
            them, too.
        on_change: called on the reader's thread when there is a new frame or a new state.
        warns: log a warning (``logging``) each minute while there is no connection.
        codecs: the codecs that the program understands, in order of preference; with those of
            sound it gets sound, too.
    """

    def __init__(
        self,
        target: CameraAddress,
        reconnect: bool = True,
        on_frame: Callable[[Any], None] | None = None,
        on_change: Callable[[], None] | None = None,
        warns: bool = False,
        codecs: Sequence[str] = ("mjpeg",),
        on_sound: Callable[[Packet], None] | None = None,
    ) -> None:
        self.target = target
        #: The camera's state that the server sent; ``connecting`` or ``lost`` without a connection.
        self.state = wire.State(target.camera or "", "connecting")
        #: The difference between the server's clock and this machine's.
        self.clock = ClockOffset()
        self.round_trip: float | None = None
        #: Counts since the start: received frames, packets of sound and bytes, missed frames, and
        #: connections.
        self.frames = self.sounds = self.bytes = self.missed = self.connections = 0
        #: The error that ended the reader, or None.
        self.error: Exception | None = None
        self._reconnect = reconnect
        self._warns = warns
        self._on_frame = on_frame or (lambda frame: None)
        self._on_change = on_change or (lambda: None)
        self._on_sound = on_sound
        self._changed = threading.Condition()
        self._codecs = check_codecs(codecs)
        self._queue = PacketQueue()
        self._pictures = PictureGroups()
        self._socket: socket.socket | None = None
        self._closed = threading.Event()
        self._joined = False
        self._thread = threading.Thread(target=self._run, name=f"view {target}", daemon=True)

    @property
    def ended(self) -> bool:
        """True if no more frames will be received."""
        return self.error is not None or self._closed.is_set()

    def start(self) -> None:
        """Start to connect."""
        self._thread.start()

    def take(self, timeout: float | None = None) -> Any:
        """Wait up to ``timeout`` seconds for a new frame, and return it.

        Of JPEGs, that is the newest Frame. Packets of H.264 and H.265 are VideoPackets, and come in
        their order (PacketQueue). Packets of sound come between them. None after the timeout, or
        if the reader was closed.

        Raises:
            TwistedcamError: the server refused, or the connection is lost and is not made again.
        """
        with self._changed:
            self._changed.wait_for(lambda: len(self._queue) or self.ended, timeout)
            frame = self._queue.take()
            if frame is None and self.error is not None and not self._closed.is_set():
                raise self.error
            return frame

    def close(self, wait: bool = True) -> None:
        """Close the connection. May be called on any thread, and more than once.

        Arguments:
            wait: wait until the reader's thread has ended.
        """
        self._closed.set()
        with self._changed:
            self._changed.notify_all()
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
        if wait and self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(_CONNECT_TIMEOUT)

    def _run(self) -> None:
        backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT, factor=1.7, spread=0.3)
        warn_at = -math.inf
        while not self._closed.is_set():
            before = self.frames + self.sounds
            try:
                self._connect_once()
            except (TwistedcamError, OSError) as found:
                if self._closed.is_set():
                    return
                error = explained(found)
                refused = isinstance(error, REFUSALS) and not self._joined
                if refused or not self._reconnect:
                    self._end(self._as_error(error))
                    return
                reason = reason_of(error)
                self._set_state(wire.State(self.state.camera, "lost", reason=reason))
                if self.frames + self.sounds > before:  # an established connection was lost
                    warn_at = -math.inf
                if self._warns and time.monotonic() >= warn_at:
                    warn_at = time.monotonic() + WARN_EVERY
                    log.warning("%s: %s; trying again", self.target, reason)
            except Exception as error:  # from the caller's on_frame, who gets it from take()
                self._end(error)
                return
            if self.frames + self.sounds > before:
                backoff.reset()
            self._closed.wait(backoff.next())

    def _as_error(self, error: Exception) -> Exception:
        """Return the error; one of the operating system with the address."""
        known = isinstance(error, TwistedcamError)
        return error if known else Disconnected(f"{self.target}: {reason_of(error)}")

    def _connect_once(self) -> None:
        with open_socket(self.target, _CONNECT_TIMEOUT) as connection:
            with self._changed:
                if self._closed.is_set():
                    return
                self._socket = connection
            try:
                self._receive(connection)
            finally:
                with self._changed:
                    self._socket = None

    def _receive(self, connection: socket.socket) -> None:
        session = ClientSession(self.target, codecs=self._codecs)
        connection.settimeout(1.0)
        self.connections += 1
        base_bytes, base_missed = self.bytes, self.missed
        while not self._closed.is_set():
            try:
                data = connection.recv(_CHUNK)
            except (TimeoutError, ssl.SSLWantReadError):
                data = None
            if data == b"":
                raise Disconnected("the server has closed the connection")
            now = time.monotonic()
            for item in session.receive(data, now) if data else ():
                if isinstance(item, wire.State):
                    self._joined = True
                    self._set_state(item)
                elif item.track.kind == "audio":
                    self._put_sound(item)
                else:
                    self._put(item if isinstance(item, Frame) else self._pictures.add(item))
            session.tick(now)
            self.bytes = base_bytes + session.bytes
            self.missed = base_missed + session.missed
            self.clock, self.round_trip = session.clock, session.round_trip
            out = session.output()
            if out:
                connection.sendall(out)

    def _put(self, frame: AnyFrame) -> None:
        self._on_frame(frame)
        with self._changed:
            self.frames += 1
            self._queue.put(frame)
            self._changed.notify_all()
        self._on_change()

    def _put_sound(self, packet: Packet) -> None:
        self.sounds += 1
        if self._on_sound is not None:
            self._on_sound(packet)
            return
        with self._changed:
            self._queue.put_sound(packet)
            self._changed.notify_all()
        self._on_change()

    def _set_state(self, state: wire.State) -> None:
        self.state = state
        self._on_change()

    def _end(self, error: Exception) -> None:
        with self._changed:
            self.error = error
            self.state = wire.State(self.state.camera, "lost", reason=reason_of(error))
            self._changed.notify_all()
        self._on_change()


def open_socket(target: CameraAddress, timeout: float) -> socket.socket:
    """Return a connected socket; OSError without a server, CertificateRefused for another one."""
    if target.path is not None:
        return connect_unix(target.path, timeout)
    return connect_tcp(target.host, target.port, target.trust if target.tls else None, timeout)


def reason_of(error: Exception) -> str:
    """Return the reason why a connection failed, with advice."""
    text = str(getattr(error, "strerror", None) or error or type(error).__name__)
    if isinstance(error, (ConnectionRefusedError, FileNotFoundError)):
        return f"{text}: is the server running there? (twistedcam serve)"
    return text
