"""Streams and snapshots as a resource for an existing site of ``twisted.web``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from twistedcam.delivery.local import Delivery
from twistedcam.delivery.sender import Sender
from twistedcam.delivery.transport_sender import TransportSender
from twistedcam.net.addresses import show_address
from twistedcam.servers.http.connection.access import Access
from twistedcam.servers.http.connection.guard import Guard
from twistedcam.servers.http.connection.request import requested_camera
from twistedcam.servers.http.connection.router import Router
from twistedcam.servers.http.streams.mjpeg import (
    HEADERS,
    MjpegSession,
    MjpegStreams,
    mjpeg_part,
    wanted_fps,
)
from twistedcam.servers.http.streams.snapshot import Snapshots

if TYPE_CHECKING:
    from twistedcam.core.server import Server


class CameraResource(Resource):
    """Answers ``stream/CAMERA`` and ``snapshot/CAMERA`` below its path, as in docs/http.md.

    Without CAMERA the first camera is used. The resource checks tokens; host names and origins are
    left to the site.
    """

    isLeaf = True

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._streams = _SiteStreams(server)
        self._guard = Guard(any_name=True)
        self._router = Router(Access(server), server.refusals)
        snapshots = Snapshots(server)
        for camera in ("", "/{camera}"):
            self._router.add("GET", f"/stream{camera}", self._streams.get)
            self._router.add("GET", f"/snapshot{camera}", snapshots.get)

    def render(self, request: Any) -> int:
        """Answer a request (IResource)."""
        self._router.answer(self._guard, request, b"/" + b"/".join(request.postpath))
        return NOT_DONE_YET

    def close(self) -> None:
        """Close all streams."""
        for session in tuple(self._streams.sessions):
            session.close()


class _SiteStreams(MjpegStreams):
    """Streams that are responses of the site: the site keeps the connections."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.sessions: set[MjpegSession] = set()
        self._delivery = Delivery(server.clock)

    @property
    def delivery(self) -> Delivery:
        """Local delivery: such connections cannot be given to worker processes."""
        return self._delivery

    def get(self, request: Any, camera: str | None = None) -> None:
        """Start a stream."""
        watched = self.server.first_or_named(requested_camera(request, self.server, camera))
        fps = wanted_fps(request)
        for name, value in HEADERS.items():
            request.setHeader(name, value)
        if request.method == b"HEAD":
            request.write(b"")
            request.finish()
            return

        def open_sender(session: MjpegSession) -> Sender:
            return _RequestSender(request, mjpeg_part, session.on_ready)

        address = show_address(request.getClientAddress())
        abort = request.transport.abortConnection
        session = MjpegSession(self, watched, fps, address, open_sender, abort)
        self.sessions.add(session)
        request.notifyFinish().addBoth(lambda _: self._gone(session))

    def _gone(self, session: MjpegSession) -> None:
        self.sessions.discard(session)
        session.lost()


class _RequestSender(TransportSender):
    """Sends with the ``write`` of a request."""

    def close(self) -> None:
        """Finish; a request whose connection is closed has done so itself."""
        if self._transport.channel is None:
            self._closed = self._paused = True
        super().close()

    def abort(self) -> None:
        """Close the connection."""
        self._paused = True
        self._transport.transport.abortConnection()
