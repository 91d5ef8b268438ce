"""What the page shows besides pictures: figures of each camera, once a second, and of late."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.task import LoopingCall

from twistedcam.auth import Grant
from twistedcam.commands.status import camera_status
from twistedcam.events import Event
from twistedcam.runtime.timer import Timer

if TYPE_CHECKING:
    from twistedcam.core.server import Server

#: Seconds between two samples, and how many are kept: five minutes.
PERIOD = 1.0
KEEP = 300
#: Seconds after which a change is told; what changes meanwhile is told with it.
SOON = 0.05


class Figured:
    """Figures of one moment, made into JSON once for all who may see the same."""

    def __init__(self, figures: dict[str, Any]) -> None:
        self._figures = figures
        self._texts: dict[frozenset[str] | None, str] = {}

    def text(self, grant: Grant) -> str:
        """As JSON, of the cameras that the grant covers."""
        if grant.cameras not in self._texts:
            cameras = [each for each in self._figures["cameras"] if grant.covers(each["camera"])]
            figures = {**self._figures, "cameras": cameras}
            self._texts[grant.cameras] = json.dumps(figures, ensure_ascii=False)
        return self._texts[grant.cameras]


class Figures(Service):
    """Samples every camera and tells those who listen.

    Arguments:
        server: whose cameras.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = LoopingCall(self._sample)
        self._loop.clock = server.clock
        self._soon = Timer(server.clock)
        self._listeners: list[Callable[[Figured], None]] = []
        self._bytes: dict[str, int] = {}
        #: For each camera: rows of frames a second, bits a second, viewers; oldest first.
        self.history: dict[str, deque[tuple[float, int, int]]] = {}
        self._unsubscribe: Callable[[], None] = lambda: None

    def startService(self) -> None:
        """Begin to sample."""
        super().startService()
        self._unsubscribe = self._server.events.subscribe(self._changed)
        self._loop.start(PERIOD)

    def stopService(self) -> None:
        """Sample no more."""
        self._unsubscribe()
        self._soon.cancel()
        if self._loop.running:
            self._loop.stop()
        super().stopService()

    def subscribe(self, listener: Callable[[Figured], None]) -> Callable[[], None]:
        """Be told the figures; call what is returned to hear no more."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def now(self) -> Figured:
        """The figures: ``time``, ``uptime``, ``cameras``."""
        server = self._server
        return Figured(
            {
                "time": time.time(),
                "uptime": round(server.clock.seconds() - server.started_at, 1),
                "cameras": [camera_status(server, camera) for camera in server.cameras.values()],
            }
        )

    def past(self, grant: Grant) -> str:
        """The last five minutes as JSON: the rows of each camera that the grant covers."""
        rows = {name: list(rows) for name, rows in self.history.items() if grant.covers(name)}
        return json.dumps({"period": PERIOD, "rows": ["fps", "bps", "viewers"], "cameras": rows})

    def _sample(self) -> None:
        server = self._server
        now = server.clock.seconds()
        for name, camera in server.cameras.items():
            total = camera.counts.bytes
            bits = 8 * (total - self._bytes.get(name, total))
            self._bytes[name] = total
            row = (round(camera.rate.current(now), 1), bits, len(server.viewers.of(name)))
            self.history.setdefault(name, deque(maxlen=KEEP)).append(row)
        self._tell()

    def _changed(self, event: Event) -> None:
        if self._listeners:
            self._soon.start_unless_pending(SOON, self._tell)

    def _tell(self) -> None:
        if not self._listeners:
            return
        figured = self.now()
        for listener in tuple(self._listeners):
            listener(figured)
