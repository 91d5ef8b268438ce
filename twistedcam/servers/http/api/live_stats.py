"""Live statistics of all cameras for the page, with a history of five minutes."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.task import LoopingCall

from twistedcam.auth import Grant
from twistedcam.commands.status_fields import camera_status
from twistedcam.events import Event
from twistedcam.runtime.process_figures import ProcessFigures
from twistedcam.runtime.timer import Timer

if TYPE_CHECKING:
    from twistedcam.core.server import Server

#: Seconds between two samples, and the number of samples to keep: five minutes.
PERIOD = 1.0
KEEP = 300
#: Samples of the cameras between two samples of the process.
PROCESS_EVERY = 10
#: Seconds to collect further changes before listeners are told.
SOON = 0.05


class StatsSample:
    """Statistics of one moment, encoded as JSON once for all tokens that may see the same."""

    def __init__(self, stats: dict[str, Any]) -> None:
        self._stats = stats
        self._texts: dict[frozenset[str] | None, str] = {}

    def text(self, grant: Grant) -> str:
        """Return JSON with the cameras that the grant covers."""
        if grant.cameras not in self._texts:
            cameras = [each for each in self._stats["cameras"] if grant.covers(each["camera"])]
            stats = {**self._stats, "cameras": cameras}
            if grant.cameras is not None:
                stats.pop("reading_recordings", None)  # it is about all cameras
            self._texts[grant.cameras] = json.dumps(stats, ensure_ascii=False)
        return self._texts[grant.cameras]


class LiveStats(Service):
    """Samples every camera once a second and tells the listeners."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = LoopingCall(self._sample)
        self._loop.clock = server.clock
        self._soon = Timer(server.clock)
        self._listeners: list[Callable[[StatsSample], None]] = []
        self._bytes: dict[str, int] = {}
        #: For each camera: frames per second, bits per second and viewers; oldest first.
        self.history: dict[str, deque[tuple[float, int, int]]] = {}
        #: Figures of this process.
        self.process = ProcessFigures()
        self._count = 0
        self._unsubscribe: Callable[[], None] = lambda: None

    def startService(self) -> None:
        """Start sampling."""
        super().startService()
        self._unsubscribe = self._server.events.subscribe(self._on_event)
        self._loop.start(PERIOD)

    def stopService(self) -> None:
        """Stop sampling."""
        self._unsubscribe()
        self._soon.cancel()
        if self._loop.running:
            self._loop.stop()
        super().stopService()

    def subscribe(self, listener: Callable[[StatsSample], None]) -> Callable[[], None]:
        """Call a listener with every sample; return a function that ends this."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def now(self) -> StatsSample:
        """Return the current statistics: ``time``, ``uptime`` and ``cameras``.

        While recordings are read for the index, ``reading_recordings`` has how many are ``done``,
        and the ``count`` of all; both are 0 until they were counted.
        """
        server = self._server
        progress = server.library.scan_progress
        reading = None if progress is None else {"done": progress[0], "count": progress[1]}
        return StatsSample(
            {
                "time": time.time(),
                "uptime": round(server.clock.seconds() - server.started_at, 1),
                "cameras": [camera_status(server, camera) for camera in server.cameras.values()],
                **({} if reading is None else {"reading_recordings": reading}),
            }
        )

    def past(self, grant: Grant) -> str:
        """Return the history as JSON, of the cameras that the grant covers."""
        rows = {name: list(rows) for name, rows in self.history.items() if grant.covers(name)}
        return json.dumps({"period": PERIOD, "rows": ["fps", "bps", "viewers"], "cameras": rows})

    def process_history(self) -> dict[str, Any]:
        """Return the figures of this process: ``period`` in seconds, and ``samples``."""
        if not self.process.samples:
            self.process.sample()
        samples = [each._asdict() for each in self.process.samples]
        return {"period": PERIOD * PROCESS_EVERY, "samples": samples}

    def _sample(self) -> None:
        server = self._server
        self._count += 1
        if self._count % PROCESS_EVERY == 0:
            self.process.sample()
        now = server.clock.seconds()
        for name, camera in server.cameras.items():
            total = camera.counts.bytes
            bits = 8 * (total - self._bytes.get(name, total))
            self._bytes[name] = total
            row = (round(camera.rate.current(now), 1), bits, len(server.viewers.of(name)))
            self.history.setdefault(name, deque(maxlen=KEEP)).append(row)
        self._notify()

    def _on_event(self, event: Event) -> None:
        if self._listeners:
            self._soon.start_unless_pending(SOON, self._notify)

    def _notify(self) -> None:
        if self._listeners:
            sample = self.now()
            for listener in tuple(self._listeners):
                listener(sample)
