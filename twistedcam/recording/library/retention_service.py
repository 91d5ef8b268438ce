"""Deletes recordings that exceed their limits."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from twistedcam.errors import DiskError
from twistedcam.events import Event, EventBus, RecordingChanged
from twistedcam.recording.library.library import Library
from twistedcam.recording.library.retention import RetentionLimits

log = Logger()

#: Seconds between two checks: files grow, and other programs write to the disk too.
PERIOD = 10.0
#: Changes after which the limits are checked.
_GROWN = frozenset({"started", "segment", "finished", "failed", "saved", "recovered"})

#: Limits and the cameras that they apply to (None: all).
Rules = list[tuple[RetentionLimits, frozenset[str] | None]]


class RetentionService:
    """Checks the limits at its start, after every recording, and every few seconds."""

    def __init__(
        self, library: Library, events: EventBus, clock: IReactorTime, rules: Callable[[], Rules]
    ) -> None:
        self._library = library
        self._rules = rules
        self._loop = LoopingCall(self._check)
        self._loop.clock = clock
        self._busy = False
        self._again = False
        self._unsubscribe: Callable[[], None] = lambda: None
        self._events = events
        #: The last error, or None.
        self._last_error: str | None = None

    def start(self) -> None:
        """Check now, and from now on."""
        if not self._loop.running:
            self._unsubscribe = self._events.subscribe(self._on_event)
            looping = self._loop.start(PERIOD)
            looping.addErrback(lambda why: log.failure("retention failed", failure=why))

    def stop(self) -> None:
        """Stop checking."""
        if self._loop.running:
            self._unsubscribe()
            self._loop.stop()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, RecordingChanged) and event.what in _GROWN:
            self._check()

    def _check(self) -> None:
        if self._busy:
            self._again = True
            return
        rules = [(limits, cameras) for limits, cameras in self._rules() if limits]
        if not rules:
            return
        self._busy = True
        looked = Deferred.fromCoroutine(self._make_room(rules))
        looked.addErrback(lambda why: log.failure("deleting old recordings failed", failure=why))
        looked.addCallback(self._on_checked)

    def _on_checked(self, _: object) -> None:
        self._busy = False
        again, self._again = self._again, False
        if again and self._loop.running:
            self._check()

    async def _make_room(self, rules: Rules) -> None:
        for limits, cameras in rules:
            try:
                await self._library.make_room(limits, cameras)
            except DiskError as error:
                if str(error) != self._last_error:
                    log.warn("old recordings could not be deleted: {reason}", reason=str(error))
                self._last_error = str(error)
                return
        self._last_error = None
