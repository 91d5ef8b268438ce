"""Who is told of what happens to a camera, and in which order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred

from twistedcam.errors import CameraFailed
from twistedcam.events import CameraChanged, EventBus, Fault
from twistedcam.frame import Frame


@dataclass
class _News:
    """Something that is still to be told."""

    event: CameraChanged | Fault
    #: The picture that it became live with.
    first: Frame | None = None
    #: Those who are answered by it.
    waiting: list[Deferred[None]] = field(default_factory=list)


class Telling:
    """Tells of a camera's changes between two steps of its lifecycle, and never within one.

    Who is told may ask for something else at once. It is done at once, and told of in its turn.

    Arguments:
        events: where changes are told.
        show: takes the picture that the camera became live with, if it still is.
    """

    def __init__(self, events: EventBus, show: Callable[[Frame], None]) -> None:
        self._events = events
        self._show = show
        self._news: deque[_News] = deque()
        self._waiting: list[Deferred[None]] = []
        self._is_telling = False

    def wait(self) -> Deferred[None]:
        """The outcome of the opening under way: fires when live, fails with CameraFailed."""
        outcome: Deferred[None] = Deferred()
        self._waiting.append(outcome)
        return outcome

    def add(self, event: CameraChanged | Fault, first: Frame | None = None) -> None:
        """Tell of it when the step under way is done; who waits is answered by an outcome."""
        waiting: list[Deferred[None]] = []
        if isinstance(event, CameraChanged) and event.state != "starting":
            waiting, self._waiting = self._waiting, waiting
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


def answer(waiting: list[Deferred[None]], change: CameraChanged) -> None:
    """Tell those who asked for a start what came of it."""
    for each in waiting:
        if change.state == "live":
            each.callback(None)
        elif change.state == "stopped":
            each.errback(CameraFailed(change.reason or "it was stopped before it gave a picture"))
        else:
            each.errback(CameraFailed(f"{change.reason}; it is tried again and again"))
