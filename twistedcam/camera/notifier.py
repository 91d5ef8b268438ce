"""Who is told of what happens to a camera, and in which order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twistedcam.errors import CameraFailed
from twistedcam.events import CameraChanged, EventBus, Fault
from twistedcam.frame import Frame

_GOES_ON = "it is live as soon as one comes"


@dataclass
class _News:
    """Something that is still to be told."""

    event: CameraChanged | Fault
    #: The picture that it became live with.
    first: Frame | None = None
    #: Those who are answered by it.
    waiting: list[Deferred[None]] = field(default_factory=list)


class StateNotifier:
    """Tells of a camera's changes between two steps of its lifecycle, and never within one.

    Who is told may ask for something else at once. It is done at once, and told of in its turn.

    Arguments:
        events: where changes are told.
        show: takes the picture that the camera became live with, if it still is.
        clock: what waiting is limited by.
    """

    def __init__(
        self, events: EventBus, show: Callable[[Frame], None], clock: IReactorTime
    ) -> None:
        self._events = events
        self._show = show
        self._clock = clock
        self._limit: IDelayedCall | None = None
        self._news: deque[_News] = deque()
        self._waiting: list[Deferred[None]] = []
        self._is_telling = False

    def wait(self) -> Deferred[None]:
        """The outcome of the opening under way: fires when live, fails with CameraFailed."""
        outcome: Deferred[None] = Deferred()
        self._waiting.append(outcome)
        return outcome

    def hurry(self, seconds: float, reason: str | None) -> None:
        """Who waits for the outcome is told that there is none, if there is none by then."""
        if self._waiting and self._limit is None:
            why = reason or f"no picture came within {seconds:.3g} s"
            self._limit = self._clock.callLater(seconds, self._give_up, f"{why}; {_GOES_ON}")

    def add(self, event: CameraChanged | Fault, first: Frame | None = None) -> None:
        """Tell of it when the step under way is done; who waits is answered by an outcome."""
        waiting: list[Deferred[None]] = []
        if isinstance(event, CameraChanged) and event.state != "starting":
            waiting = self._take_waiting()
        self._news.append(_News(event, first, waiting))

    def step(self, happen: Callable[..., None], *reason: str) -> None:
        """Let something happen to the lifecycle; then tell of it, and give the answers."""
        if self._is_telling:
            happen(*reason)
            return
        self._is_telling = True
        try:
            happen(*reason)
            while self._news:
                news = self._news.popleft()
                self._events.publish(news.event)
                if news.first is not None:
                    self._show(news.first)
                if isinstance(news.event, CameraChanged):
                    answer(news.waiting, news.event)
        finally:
            self._is_telling = False

    def _take_waiting(self) -> list[Deferred[None]]:
        if self._limit is not None:
            if self._limit.active():
                self._limit.cancel()
            self._limit = None
        waiting, self._waiting = self._waiting, []
        return waiting

    def _give_up(self, reason: str) -> None:
        for each in self._take_waiting():
            each.errback(CameraFailed(reason))


def answer(waiting: list[Deferred[None]], change: CameraChanged) -> None:
    """Tell those who asked for a start what came of it."""
    for each in waiting:
        if change.state == "live":
            each.callback(None)
        elif change.state == "stopped":
            each.errback(CameraFailed(change.reason or "it was stopped before it gave a picture"))
        else:
            each.errback(CameraFailed(f"{change.reason}; it is tried again and again"))
