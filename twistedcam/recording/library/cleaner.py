"""Sees to it, now and then, that recordings stay within their limits."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from twistedcam.errors import DiskError
from twistedcam.events import Event, EventBus, RecordingChanged
from twistedcam.recording.library.library import Library
from twistedcam.recording.library.retention import Limits

log = Logger()

#: Seconds between two looks: what is being written grows, and others write to the disk too.
PERIOD = 10.0
#: After these, files may be too many.
_GROWN = frozenset({"started", "segment", "finished", "failed", "saved", "recovered"})

#: Limits, and whose recordings they are for (None: all).
Rules = list[tuple[Limits, frozenset[str] | None]]


class Keeper:
    """Deletes what has to go, at its start, after every recording, and every few seconds.

    Arguments:
        library: the recordings.
        events: where it hears of recordings.
        clock: what it waits by.
        rules: what holds now.
    """

    def __init__(
        self, library: Library, events: EventBus, clock: IReactorTime, rules: Callable[[], Rules]
    ) -> None:
        self._library = library
        self._rules = rules
        self._loop = LoopingCall(self._look)
        self._loop.clock = clock
        self._busy = False
        self._again = False
        self._unsubscribe: Callable[[], None] = lambda: None
        self._events = events
        #: Why no room could be made last time, or None.
        self._said: str | None = None

    def start(self) -> None:
        """Look now, and go on looking."""
        if not self._loop.running:
            self._unsubscribe = self._events.subscribe(self._heard)
            looping = self._loop.start(PERIOD)
            looping.addErrback(lambda why: log.failure("retention failed", failure=why))

    def stop(self) -> None:
        """Look no more."""
        if self._loop.running:
            self._unsubscribe()
            self._loop.stop()

    def _heard(self, event: Event) -> None:
        if isinstance(event, RecordingChanged) and event.what in _GROWN:
            self._look()

    def _look(self) -> None:
        if self._busy:
            self._again = True
            return
        rules = [(limits, cameras) for limits, cameras in self._rules() if limits]
        if not rules:
            return
        self._busy = True
        looked = Deferred.fromCoroutine(self._make_room(rules))
        looked.addErrback(lambda why: log.failure("making room failed", failure=why))
        looked.addCallback(self._looked)

    def _looked(self, _: object) -> None:
        self._busy = False
        again, self._again = self._again, False
        if again and self._loop.running:
            self._look()

    async def _make_room(self, rules: Rules) -> None:
        for limits, cameras in rules:
            try:
                await self._library.make_room(limits, cameras)
            except DiskError as error:
                if str(error) != self._said:
                    log.warn("no room could be made: {reason}", reason=str(error))
                self._said = str(error)
                return
        self._said = None
