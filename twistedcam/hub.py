"""One camera's newest frame, and those who want it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.logger import Logger

from twistedcam.frame import Frame

log = Logger()


class Sink(Protocol):
    """Who takes frames. ``take`` is called on the reactor's thread and must return at once."""

    def take(self, frame: Frame) -> None:
        """Here is a new frame; keep it, send it or let it go, but never wait."""


class Hub:
    """Passes each new frame to every sink, once; remembers the newest."""

    def __init__(self) -> None:
        #: The newest frame, or None while the camera is not live.
        self.newest: Frame | None = None
        #: Called with True when the first sink has come, with False when the last has gone.
        self.on_demand: Callable[[bool], None] = lambda wanted: None
        self._sinks: dict[Sink, None] = {}

    def __len__(self) -> int:
        return len(self._sinks)

    def add(self, sink: Sink) -> None:
        """From now on this sink is offered every new frame."""
        was_empty = not self._sinks
        self._sinks[sink] = None
        if was_empty:
            self.on_demand(True)

    def remove(self, sink: Sink) -> None:
        """No more frames for this sink; nothing happens if it has none anyway."""
        if sink not in self._sinks:
            return
        del self._sinks[sink]
        if not self._sinks:
            self.on_demand(False)

    def publish(self, frame: Frame) -> None:
        """A new frame has come. A sink that raises is taken out; the others get their frame."""
        self.newest = frame
        for sink in tuple(self._sinks):
            try:
                sink.take(frame)
            except Exception:
                self.remove(sink)
                log.failure("a consumer of frames failed and is left out: {sink!r}", sink=sink)

    def clear(self) -> None:
        """There is no newest frame any more: the camera is not live."""
        self.newest = None
