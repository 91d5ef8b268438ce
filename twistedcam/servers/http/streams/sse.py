"""Server-sent events for pages and scripts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from twistedcam.commands import VisibleCameras
from twistedcam.events import Event
from twistedcam.processing.motion.findings import Moving
from twistedcam.runtime.timer import Timer
from twistedcam.servers.http.api.live_stats import LiveStats, StatsSample
from twistedcam.servers.http.connection.request import HttpRequest, query
from twistedcam.servers.http.connection.takeover import Receiver, response_head

if TYPE_CHECKING:
    from twistedcam.core.server import Server

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}
#: Seconds between two comments, which make proxies keep the connection.
HEARTBEAT = 10.0
#: Seconds between two looks at what moves, for a client that wants boxes.
BOXES_PERIOD = 0.2
#: Most unsent bytes of events of a client that does not read; the connection is closed beyond them.
MAX_WAITING = 256 * 1024
#: Heartbeats in a row during which a client reads nothing; then the connection is closed.
MAX_UNREAD = 30


class EventStreams:
    """Answers ``/events``.

    ``?figures=1`` adds live statistics, ``?boxes=1`` where something moves now.
    """

    def __init__(self, server: Server, stats: LiveStats) -> None:
        self.server = server
        self.stats = stats

    def get(self, request: HttpRequest) -> None:
        """Start to send the events of all cameras, or of ``?camera=NAME``.

        Raises:
            NoSuchCamera, Forbidden: no camera has that name, or the token does not cover it.
        """
        name = query(request, "camera")
        visible = VisibleCameras(self.server, request.grant)
        camera = None if name is None else visible.get(name).name
        if request.method == b"HEAD":
            request.channel.transport.write(response_head(request, HEADERS))
            request.channel.loseConnection()
        else:
            with_boxes = query(request, "boxes") == "1"
            EventSession(self, request, camera, query(request, "figures") == "1", with_boxes)


@implementer(IPushProducer)
class EventSession(Receiver):
    """One client of ``/events``."""

    def __init__(
        self,
        streams: EventStreams,
        request: HttpRequest,
        camera: str | None,
        with_stats: bool,
        with_boxes: bool = False,
    ) -> None:
        self._camera = camera
        self._grant = request.grant
        self._server = streams.server
        self._transport: Any = request.channel.transport
        self._paused = False
        self._unsent = 0
        self._unread = 0
        self._closed = False
        self._timer = Timer(streams.server.clock)
        self._boxes_timer = Timer(streams.server.clock)
        #: What moves, as the client knows it, by camera.
        self._moving: dict[str, list[Moving]] = {}
        self._cleanups: list[Callable[[], None]] = []
        request.channel.take_over(self)
        self._transport.registerProducer(self, True)
        self._transport.write(response_head(request, HEADERS) + b": twistedcam\nretry: 1000\n\n")
        self._cleanups.append(streams.server.events.subscribe(self._on_event))
        if with_stats:
            grant = self._grant.as_dict()
            if grant["cameras"] is not None:  # a token may have URL-safe forms
                grant["cameras"] = [self._server.name_of(each) for each in grant["cameras"]]
            if request.login is not None:
                grant["login"] = True
            self._send_event("rights", json.dumps(grant, ensure_ascii=False))
            # All of it, however many cameras there are: the client has had no time to read.
            past, now = streams.stats.past(self._grant), streams.stats.now().text(self._grant)
            self._transport.write(_event("history", past) + _event("figures", now))
            self._cleanups.append(streams.stats.subscribe(self._send_stats))
        if with_boxes:
            self._send_boxes()
        self._send_heartbeat()

    def lost(self) -> None:
        """Clean up after the end of the connection."""
        self._closed = True
        self._timer.cancel()
        self._boxes_timer.cancel()
        cleanups, self._cleanups = self._cleanups, []
        for each in cleanups:
            each()

    def close(self) -> None:
        """Close the connection."""
        self.lost()
        self._transport.abortConnection()

    def pauseProducing(self) -> None:
        """Count unsent bytes from now on (IPushProducer)."""
        self._paused = True

    def resumeProducing(self) -> None:
        """All bytes are sent (IPushProducer)."""
        self._paused = False
        self._unsent = self._unread = 0

    def stopProducing(self) -> None:
        """The connection is closed (IPushProducer)."""

    def _on_event(self, event: Event) -> None:
        camera = getattr(event, "camera", None)
        wanted = self._camera is None or camera in (self._camera, None)
        if wanted and self._grant.may_hear(camera):
            text = json.dumps(event.as_json(self._server.title_of(event)), ensure_ascii=False)
            self._send_event(event.kind, text)

    def _send_stats(self, sample: StatsSample) -> None:
        """Send statistics, unless the client has not read earlier ones: they are out of date."""
        if not self._paused:
            self._send_event("figures", sample.text(self._grant))

    def _send_boxes(self) -> None:
        """Send what moves on each camera where that has changed, and look again later."""
        for name, channel in tuple(self._server.channels.items()):
            if self._camera not in (None, name) or not self._grant.may_hear(name):
                continue
            moving = channel.motion.moving
            if moving != self._moving.get(name, []):
                boxes = [{"box": each.box, "score": each.score} for each in moving]
                self._send_event("boxes", json.dumps({"camera": name, "boxes": boxes}))
            self._moving[name] = moving
        if not self._closed:
            self._boxes_timer.start(BOXES_PERIOD, self._send_boxes)

    def _send_event(self, kind: str, text: str) -> None:
        self._send(_event(kind, text))

    def _send(self, data: bytes) -> None:
        if self._closed:
            return
        if self._paused:
            self._unsent += len(data)
            if self._unsent > MAX_WAITING:
                self.close()
                return
        self._transport.write(data)

    def _send_heartbeat(self) -> None:
        self._unread += self._paused
        if self._unread >= MAX_UNREAD:
            self.close()
        if not self._closed:
            self._send(b": still here\n\n")
            self._timer.start(HEARTBEAT, self._send_heartbeat)


def _event(kind: str, text: str) -> bytes:
    return f"event: {kind}\ndata: {text}\n\n".encode()
