"""MJPEG over HTTP: a multipart response in which each JPEG replaces the one before."""

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
from twistedcam.servers.http.connection.takeover import Receiver, response_head
from twistedcam.servers.http.streams.placeholder import Placeholders, state_shown

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server
    from twistedcam.delivery.local import Delivery

log = Logger()

BOUNDARY = "twistedcam-frame"
TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
#: Seconds between two placeholders: some clients give up on a silent stream.
PLACEHOLDER_PERIOD = 1.0
#: Seconds that a camera may take to start before a placeholder is shown.
START_DELAY = 0.5

HEADERS = {
    "Content-Type": TYPE,
    "Cache-Control": "no-store",
    "Pragma": "no-cache",
    "X-Accel-Buffering": "no",  # otherwise nginx buffers frames
}


def mjpeg_part(frame: Frame) -> bytes:
    """Serialize a frame as a part, followed by the boundary.

    A browser shows a part when it receives the boundary that ends it: with the boundary before each
    part it would be one frame late.
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
    """Return the limit of ``?fps=N`` in frames per second, or None.

    Raises:
        BadArgument: N is not a valid number.
    """
    text = query(request, "fps")
    return None if text is None else read_fps(text)


class MjpegStreams:
    """Answers ``/stream``; shows placeholders while a camera is not live."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.placeholders = Placeholders(server)

    @property
    def delivery(self) -> Delivery:
        """The delivery of the server, which makes the senders of viewers."""
        return self.server.delivery

    def get(self, request: HttpRequest, camera: str | None = None) -> None:
        """Start a stream, which takes the connection over from HTTP.

        Raises:
            NoSuchCamera, BadArgument: the camera or ``fps`` is not valid.
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


class MjpegSession(Receiver):
    """One viewer of an MJPEG stream.

    Arguments:
        fps: the most frames per second, or None.
        address: the address of the viewer.
        open_sender: makes the sender, with the response head already sent.
        abort: closes the connection without waiting for unsent data.
    """

    def __init__(
        self,
        streams: MjpegStreams,
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
        self._closed = False
        #: True if a placeholder could not be sent: it is sent when the sender is ready again.
        self._placeholder_due = False
        self._timer = Timer(server.clock)
        self._sender = open_sender(self)
        self._sender.send_message(f"--{BOUNDARY}\r\n".encode())
        self._viewer = server.viewers.join(
            address, "http", camera.name, self._sender.path, lambda _: self.close()
        )
        self._subscription = streams.delivery.subscribe(self._viewer, camera.hub, self._sender, fps)
        self._unsubscribe = server.events.subscribe(self._on_event)
        self._subscription.start()
        self._show_state()
        server.viewers.announce(self._viewer)

    def close(self) -> None:
        """Close the connection without waiting for unsent data."""
        self.lost()
        self._abort()

    def lost(self) -> None:
        """Clean up after the end of the connection."""
        if self._closed:
            return
        self._closed = True
        self._timer.cancel()
        self._unsubscribe()
        self._subscription.close()
        self._server.viewers.leave(self._viewer)

    def on_ready(self) -> None:
        """Go on: the sender is ready again."""
        if self._placeholder_due:
            self._placeholder_due = False
            self._update_placeholder()
        self._subscription.ready()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, CameraChanged) and event.camera == self._camera.name:
            self._show_state()

    def _show_state(self) -> None:
        """Show the state of the camera from now on, while it is not live."""
        if self._camera.state == "starting":
            # Most cameras are live before this: nothing is drawn, and Pillow is not imported.
            self._timer.start(START_DELAY, self._update_placeholder)
        else:
            self._update_placeholder()

    def _update_placeholder(self) -> None:
        """Send a placeholder once per period while the camera is not live."""
        self._timer.cancel()
        if self._closed or self._camera.state == "live":
            return
        self._timer.start(PLACEHOLDER_PERIOD, self._update_placeholder)
        sending = Deferred.fromCoroutine(self._send_placeholder())
        sending.addErrback(lambda why: log.failure("a placeholder could not be drawn", failure=why))

    async def _send_placeholder(self) -> None:
        frame = await self._placeholders.frame(self._camera)
        if not self._closed and self._camera.state != "live":
            self._placeholder_due = not self._sender.offer(frame)
