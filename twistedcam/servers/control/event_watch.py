"""A controller's watch: events as they happen, until it asks for something else."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

from twistedcam.events import Event, EventBus

log = Logger()

#: Bytes of events that may wait for a controller that does not read; then it is dropped.
MAX_BEHIND = 256 * 1024


class EventWatch:
    """Begins at once.

    Arguments:
        events: what is watched.
        write: an event as text, or None if it is not for this controller.
        say: sends text.
        drop: ends the connection of a controller that does not read.
        peer: who it is, for the log.
    """

    def __init__(
        self,
        events: EventBus,
        write: Callable[[Event], str | None],
        say: Callable[[str], None],
        drop: Callable[[], None],
        peer: str,
    ) -> None:
        self._write = write
        self._say = say
        self._drop = drop
        self._peer = peer
        self._is_full = False
        self._behind = 0
        self._unsubscribe = events.subscribe(self._happened)

    def stop(self) -> None:
        """Tell nothing more."""
        self._unsubscribe()

    def fill(self, is_full: bool) -> None:
        """Whether what is said now waits, because the controller does not read."""
        if is_full != self._is_full:
            self._is_full, self._behind = is_full, 0

    def _happened(self, event: Event) -> None:
        text = self._write(event)
        if text is None:
            return
        if self._is_full:
            self._behind += len(text)
            if self._behind > MAX_BEHIND:
                log.warn("{peer} does not read its events and is dropped", peer=self._peer)
                self.stop()
                self._drop()
                return
        self._say(text)
