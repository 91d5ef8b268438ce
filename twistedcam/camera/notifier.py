"""Tells listeners and callers of a camera's changes, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from twistedcam.errors import CameraFailed
from twistedcam.events import CameraChanged, EventBus, Fault
from twistedcam.media.packet import Packet
from twistedcam.runtime.timer import Timer

#: The end of an error of a camera that is tried again.
KEEPS_TRYING = "; the server keeps trying"
_STILL_TRYING = "it is live as soon as one comes"


@dataclass
class _Notification:
    """An event that is still to be published."""

    event: CameraChanged | Fault
    #: The first packet, if the camera became live.
    first: Packet | None = None
    #: The callers that this event answers.
    waiting: list[Deferred[None]] = field(default_factory=list)


class StateNotifier:
    """Publishes a camera's changes between two steps of its state machine, never during one.

    A listener may ask the camera for something else at once. That is done at once, and published
    after what was queued before.

    Arguments:
        events: receives the changes.
        show: takes the first packet, when the camera's becoming live was published.
        clock: measures the limit on waiting.
    """

    def __init__(
        self, events: EventBus, show: Callable[[Packet], None], clock: IReactorTime
    ) -> None:
        self._events = events
        self._show = show
        self._limit = Timer(clock)
        self._queue: deque[_Notification] = deque()
        self._waiting: list[Deferred[None]] = []
        self._is_publishing = False

    def wait(self) -> Deferred[None]:
        """Wait for the current opening: fires when live, fails with CameraFailed."""
        outcome: Deferred[None] = Deferred()
        self._waiting.append(outcome)
        return outcome

    def limit(self, seconds: float, reason: str | None) -> None:
        """Let those who wait fail if there is no outcome after ``seconds``."""
        if self._waiting and not self._limit.is_pending:
            why = reason or f"no picture came within {seconds:.3g} s"
            self._limit.start(seconds, self._give_up, f"{why}; {_STILL_TRYING}")

    def add(self, event: CameraChanged | Fault, first: Packet | None = None) -> None:
        """Queue an event until the current step is done; an outcome answers those who wait."""
        waiting: list[Deferred[None]] = []
        if isinstance(event, CameraChanged) and event.state != "starting":
            waiting = self._take_waiting()
        self._queue.append(_Notification(event, first, waiting))

    def step(self, machine_input: Callable[..., None], *reason: str) -> None:
        """Give the state machine an input; then publish the events and answer the callers."""
        if self._is_publishing:
            machine_input(*reason)
            return
        self._is_publishing = True
        try:
            machine_input(*reason)
            while self._queue:
                next_one = self._queue.popleft()
                self._events.publish(next_one.event)
                if next_one.first is not None:
                    self._show(next_one.first)
                if isinstance(next_one.event, CameraChanged):
                    answer(next_one.waiting, next_one.event)
        finally:
            self._is_publishing = False

    def _take_waiting(self) -> list[Deferred[None]]:
        self._limit.cancel()
        waiting, self._waiting = self._waiting, []
        return waiting

    def _give_up(self, reason: str) -> None:
        for each in self._take_waiting():
            each.errback(CameraFailed(reason))


def answer(waiting: list[Deferred[None]], change: CameraChanged) -> None:
    """Fire each Deferred with the outcome that the change means."""
    for each in waiting:
        if change.state == "live":
            each.callback(None)
        elif change.state == "stopped":
            each.errback(CameraFailed(change.reason or "it was stopped before there was a picture"))
        else:
            each.errback(CameraFailed(f"{change.reason}{KEEPS_TRYING}"))
