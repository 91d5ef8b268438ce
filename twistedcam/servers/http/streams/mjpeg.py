"""MJPEG over HTTP: one JPEG after the other, each in place of the one before."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twistedcam.delivery.sender import Sender
from twistedcam.events import CameraChanged, Event
from twistedcam.media.fps import read_fps
from twistedcam.media.frame import Frame
from twistedcam.net.addresses import show_address
from twistedcam.runtime.timer import Timer
from twistedcam.servers.http.connection.request import HttpRequest, query, requested_camera
from twistedcam.servers.http.connection.takeover import response_head
from twistedcam.servers.http.streams.placeholder import Placeholders, state_shown

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server
    from twistedcam.delivery.local import Delivery

log = Logger()

BOUNDARY = "twistedcam-frame"
TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
#: Seconds between two placeholder pictures: some clients give up on a stream that is silent.
PLACEHOLDER_PERIOD = 1.0

HEADERS = {
    "Content-Type": TYPE,
    "Cache-Control": "no-store",
    "Pragma": "no-cache",
    "X-Accel-Buffering": "no",  # nginx would collect pictures otherwise
}


def mjpeg_part(frame: Frame) -> bytes:
    """A frame as a part, with the boundary behind it.

    Behind and not before: a browser shows a part when it sees the boundary that ends it, so with
    the boundary before each part it would be one picture late.
    """
    head = (
        "Content-Type: image/jpeg\r\n"
        f"Content-Length: {len(frame.jpeg)}\r\n"
        f"X-Timestamp: {frame.time_us // 1_000_000}.{frame.time_us % 1_000_000:06d}\r\n"
    )
    state = frame.shared(state_shown)
    if state:
        head += f"X-Twistedcam-State: {state}\r\n"
    return b"".join([head.encode(), b"\r\n", frame.jpeg, f"\r\n--{BOUNDARY}\r\n".encode()])


def wanted_fps(request: HttpRequest) -> float | None:
    """``?fps=N``: at most so many frames a second.

    Raises:
        BadArgument: that is no such number.
    """
    word = query(request, "fps")
    return None if word is None else read_fps(word)


class Streams:
    """Answers ``/stream``.

    Arguments:
        server: whose cameras are shown.
        placeholders: what is shown while a camera is not live.
    """

    def __init__(self, server: Server, placeholders: Placeholders) -> None:
        self.server = server
        self.placeholders = placeholders

    @property
    def delivery(self) -> Delivery:
        """How viewers are served."""
        return self.server.delivery

    def get(self, request: HttpRequest, camera: str | None = None) -> None:
        """Begin a stream, on a connection that is no longer HTTP's from then on.

        Raises:
            NoSuchCamera, BadArgument: as they say.
        """
        watched = self.server.first_or_named(requested_camera(request, self.server, camera))
        fps = wanted_fps(request)
        if request.method == b"HEAD":
            request.channel.transport.write(response_head(request, HEADERS))
            request.channel.loseConnection()
        else:
            transport = request.channel.transport

            def open_sender(session: MjpegSession) -> Sender:
                request.channel.take_over(session)
                sender = self.delivery.make_sender(
                    transport, mjpeg_part, session.on_ready, session.close
                )
                sender.send_message(response_head(request, HEADERS))
                return sender

            address = show_address(request.getClientAddress())
            MjpegSession(self, watched, fps, address, open_sender, transport.abortConnection)


class MjpegSession:
    """One who watches over HTTP (channel.Receiver).

    Arguments:
        streams: whose cameras these are.
        camera: what is watched.
        fps: at most so many frames a second, or None.
        address: where from.
        open_sender: the way out, with the answer's head on its way.
        abort: ends the connection, without waiting for a viewer who does not read.
    """

    def __init__(
        self,
        streams: Streams,
        camera: Camera,
        fps: float | None,
        address: str,
        open_sender: Callable[[MjpegSession], Sender],
        abort: Callable[[], None],
    ) -> None:
        server = streams.server
        self._server = server
        self._camera = camera
        self._placeholders = streams.placeholders
        self._abort = abort
        self._over = False
        #: Whether a placeholder found the way full: it is shown as soon as that clears.
        self._owed = False
        self._timer = Timer(server.clock)
        self._sender = open_sender(self)
        self._sender.send_message(f"--{BOUNDARY}\r\n".encode())
        self._viewer = server.viewers.join(
            address, "http", camera.name, self._sender.path, lambda _: self.close()
        )
        self._subscription = streams.delivery.subscribe(self._viewer, camera.hub, self._sender, fps)
        self._unsubscribe = server.events.subscribe(self._happened)
        self._subscription.begin()
        self._explain()
        server.viewers.announce(self._viewer)

    def received(self, data: bytes) -> None:
        """A viewer has nothing to say (channel.Receiver)."""

    def read_closed(self) -> bool:
        """A viewer that sends no more goes on watching (channel.Receiver)."""
        return True

    def lost(self) -> None:
        """The connection is gone (channel.Receiver)."""
        self._end()

    def close(self) -> None:
        """End the connection, without waiting for a viewer who does not read."""
        self._end()
        self._abort()

    def _end(self) -> None:
        if self._over:
            return
        self._over = True
        self._timer.cancel()
        self._unsubscribe()
        self._subscription.end()
        self._server.viewers.leave(self._viewer)

    def on_ready(self) -> None:
        """The way out is free again."""
        if self._owed:
            self._owed = False
            self._explain()
        self._subscription.ready()

    def _happened(self, event: Event) -> None:
        if isinstance(event, CameraChanged) and event.camera == self._camera.name:
            self._explain()

    def _explain(self) -> None:
        """Show why there is no picture, again and again while there is none."""
        self._timer.cancel()
        if self._over or self._camera.state == "live":
            return
        self._timer.start(PLACEHOLDER_PERIOD, self._explain)
        showing = Deferred.fromCoroutine(self._show_placeholder())
        showing.addErrback(lambda why: log.failure("no placeholder was drawn", failure=why))

    async def _show_placeholder(self) -> None:
        frame = await self._placeholders.of(self._camera)
        if self._over or self._camera.state == "live":
            return
        self._owed = not self._sender.offer(frame)
