"""Server-sent events: what happens, as it happens, for pages and scripts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from twistedcam.commands import VisibleCameras
from twistedcam.events import Event
from twistedcam.runtime.timer import Timer
from twistedcam.servers.http.api.live_stats import LiveStats, StatsSample
from twistedcam.servers.http.connection.request import HttpRequest, query
from twistedcam.servers.http.connection.takeover import response_head

if TYPE_CHECKING:
    from twistedcam.core.server import Server

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}
#: Seconds of silence after which a comment is sent, so that proxies keep the connection.
HEARTBEAT = 10.0
#: Bytes that may wait for a client who does not read; beyond it the connection is cut.
MAX_WAITING = 256 * 1024


class EventStreams:
    """Answers ``/events``.

    Arguments:
        server: whose events.
        figures: what ``?figures=1`` adds once a second.
    """

    def __init__(self, server: Server, figures: LiveStats) -> None:
        self.server = server
        self.figures = figures

    def get(self, request: HttpRequest) -> None:
        """Begin to tell: of all cameras, or of ``?camera=NAME``.

        Raises:
            NoSuchCamera, Forbidden: no camera has that name, or the token is not good for it.
        """
        name = query(request, "camera")
        visible = VisibleCameras(self.server, request.grant)
        camera = None if name is None else visible.get(name).name
        if request.method == b"HEAD":
            request.channel.transport.write(response_head(request, HEADERS))
            request.channel.loseConnection()
        else:
            EventSession(self, request, camera, query(request, "figures") == "1")


@implementer(IPushProducer)
class EventSession:
    """One who listens (channel.Receiver)."""

    def __init__(
        self, streams: EventStreams, request: HttpRequest, camera: str | None, figures: bool
    ) -> None:
        self._camera = camera
        self._grant = request.grant
        self._server = streams.server
        self._transport: Any = request.channel.transport
        self._paused = False
        self._waiting = 0
        self._over = False
        self._timer = Timer(streams.server.clock)
        self._ending: list[Callable[[], None]] = []
        request.channel.take_over(self)
        self._transport.registerProducer(self, True)
        self._transport.write(response_head(request, HEADERS) + b": twistedcam\nretry: 1000\n\n")
        self._ending.append(streams.server.events.subscribe(self._happened))
        if figures:
            told = self._grant.as_dict()
            if told["cameras"] is not None:  # a token may have URL-safe forms
                told["cameras"] = [self._server.name_of(each) for each in told["cameras"]]
            self._say("rights", json.dumps(told, ensure_ascii=False))
            self._say("history", streams.figures.past(self._grant))
            self._figured(streams.figures.now())
            self._ending.append(streams.figures.subscribe(self._figured))
        self._beat()

    def received(self, data: bytes) -> None:
        """A listener has nothing to say (channel.Receiver)."""

    def read_closed(self) -> bool:
        """A listener that sends no more goes on listening (channel.Receiver)."""
        return True

    def lost(self) -> None:
        """The connection is gone (channel.Receiver)."""
        self._over = True
        self._timer.cancel()
        ending, self._ending = self._ending, []
        for each in ending:
            each()

    def close(self) -> None:
        """End the connection (channel.Receiver)."""
        self.lost()
        self._transport.abortConnection()

    def pauseProducing(self) -> None:
        """The client reads more slowly than things happen."""
        self._paused = True

    def resumeProducing(self) -> None:
        """All that was said is on its way."""
        self._paused = False
        self._waiting = 0

    def stopProducing(self) -> None:
        """The connection is gone."""

    def _happened(self, event: Event) -> None:
        camera = getattr(event, "camera", None)
        wanted = self._camera is None or camera in (self._camera, None)
        if wanted and self._grant.may_hear(camera):
            told = event.as_dict(self._server.title_of(event))
            text = json.dumps({"event": event.kind, **told}, ensure_ascii=False)
            self._say(event.kind, text)

    def _figured(self, figured: StatsSample) -> None:
        self._say("figures", figured.text(self._grant))

    def _say(self, kind: str, text: str) -> None:
        self._send(f"event: {kind}\ndata: {text}\n\n".encode())

    def _send(self, data: bytes) -> None:
        if self._over:
            return
        if self._paused:
            self._waiting += len(data)
            if self._waiting > MAX_WAITING:
                self.close()
                return
        self._transport.write(data)

    def _beat(self) -> None:
        if not self._over:
            self._send(b": still here\n\n")
            self._timer.start(HEARTBEAT, self._beat)
