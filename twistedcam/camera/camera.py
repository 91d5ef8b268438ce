"""A camera: a source that is started, stopped and brought back, and the frames that it gives."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twistedcam.camera.capture import Capture
from twistedcam.camera.lifecycle import CameraState, make_lifecycle
from twistedcam.camera.properties import CameraProperties
from twistedcam.errors import CameraFailed, SourceEnded, TwistedcamError
from twistedcam.events import CameraChanged, EventBus, Fault
from twistedcam.frame import Frame
from twistedcam.hub import Hub
from twistedcam.rate import Rate
from twistedcam.sources import Granted, SourceSpec, make_source
from twistedcam.sources.encode import Encoder, Picture

if TYPE_CHECKING:
    from twistedcam.camera.thread import Thread

log = Logger()

#: Seconds before a camera that failed is tried again: at first, and at most.
RETRY_FIRST = 0.5
RETRY_MOST = 10.0


@dataclass
class CameraCounts:
    """What a camera has done since the server began."""

    frames: int = 0
    encoded: int = 0
    corrupt: int = 0
    restarts: int = 0


class Camera:
    """One camera.

    Arguments:
        name: what it is called everywhere.
        spec: where its pictures come from.
        events: where its changes are told.
        clock: what retries and rates are measured by.
        make_thread: gives a thread of its own for each opening of the source.

    Raises:
        BadArgument: the source, or a setting of it, is not one that there is.
    """

    def __init__(
        self,
        name: str,
        spec: SourceSpec,
        events: EventBus,
        clock: IReactorTime,
        make_thread: Callable[[], Thread],
    ) -> None:
        self.name = name
        self.spec = spec
        self.hub = Hub()
        self.state: CameraState = "stopped"
        #: Why it is not live, in words, or None.
        self.reason: str | None = None
        #: What the source gave at its last opening.
        self.granted = Granted()
        #: The size of the newest picture; 0 before the first.
        self.width = 0
        self.height = 0
        self.rate = Rate()
        self.counts = CameraCounts()
        #: The last fault and the clock's second at which it was, or None.
        self.last_fault: tuple[float, str] | None = None
        #: The clock's second at which it became live, or None.
        self.live_since: float | None = None
        self._events = events
        self._clock = clock
        self._make_thread = make_thread
        self.encoder = Encoder.from_spec(spec)
        make_source(spec)  # what is wrong with it is said now, and not in the thread
        self._sequence = 0
        self._capture: Capture | None = None
        self._closing: Deferred[None] | None = None
        self._retry: IDelayedCall | None = None
        self._delay = RETRY_FIRST
        self._waiting: list[Deferred[None]] = []
        self._first: Frame | None = None
        self._news: deque[_News] = deque()
        self._is_telling = False
        self._lifecycle = make_lifecycle(self)
        self.properties = CameraProperties(self)

    # What controllers ask for.

    def start(self) -> Deferred[None]:
        """Run, if it does not run already.

        Fires when the camera is live; fails with CameraFailed if the source cannot be had (it is
        then tried again and again) or the camera is stopped before it gave a picture.
        """
        self._put(self._lifecycle.start)
        return self._outcome()

    def stop(self) -> Deferred[None]:
        """Stop, if it runs. Fires when the device is free, or is left behind because it hangs."""
        self._put(self._lifecycle.stop)
        if self._closing is None:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._closing.addBoth(lambda _: done.callback(None))
        return done

    def use(self, spec: SourceSpec, *, reopen: bool = True) -> Deferred[None]:
        """Go on with other settings of the source; viewers and a recording stay.

        Fires and fails as ``start``; at once if it is stopped, or nothing has to be opened anew.

        Raises:
            BadArgument: a setting is not one that there is; nothing has changed.
        """
        make_source(spec)
        encoder = Encoder.from_spec(spec)
        self.spec = spec
        if not reopen or self.state == "stopped":
            self.encoder.quality = encoder.quality
            if reopen:
                self.encoder = encoder
            return succeed(None)
        self.encoder = encoder
        self._put(self._lifecycle.reopen, f"it is opened anew as {spec.shown}")
        return self._outcome()

    # What the lifecycle does (lifecycle.Actions).

    def enter(self, state: CameraState, reason: str | None = None) -> None:
        """Be in that state from now on."""
        self.state, self.reason = state, reason
        self.live_since = self._clock.seconds() if state == "live" else None
        if state != "live":
            self.hub.clear()
        if state == "live":
            self._delay = RETRY_FIRST
            log.info("{camera} is live: {granted}", camera=self.name, granted=self.granted)
        elif reason:
            log.warn("{camera} is {state}: {reason}", camera=self.name, state=state, reason=reason)
        else:
            log.info("{camera} is {state}", camera=self.name, state=state)
        waiting: list[Deferred[None]] = []
        if state != "starting":
            waiting, self._waiting = self._waiting, waiting
        first = self._first if state == "live" else None
        self._news.append(_News(self.changed(), first, waiting))

    def open_source(self) -> None:
        """Begin a new capture, as soon as the one before has let the device go."""
        self._retry = None
        if self._closing is not None:
            self._closing.addCallback(lambda _: self._open_if_wanted())
        else:
            self._open_if_wanted()

    def close_source(self) -> None:
        """End the capture under way."""
        if self._retry is not None and self._retry.active():
            self._retry.cancel()
        self._retry = None
        if self._capture is None:
            return
        closing = self._capture.end()
        self._capture = None
        if not closing.called:
            self._closing = closing
            closing.addCallback(self._closed)

    def retry_later(self) -> None:
        """Try again, after a longer wait each time."""
        self.counts.restarts += 1
        self._retry = self._clock.callLater(self._delay, self._put, self._lifecycle.retry)
        self._delay = min(self._delay * 2, RETRY_MOST)

    # What the capture tells (capture.CaptureListener).

    def opened(self, granted: Granted) -> None:
        """The source is open."""
        self.granted = granted
        self.width, self.height = granted.width, granted.height

    def captured(self, picture: Picture) -> None:
        """A picture has come: number it and pass it on."""
        self._sequence += 1
        self.counts.frames += 1
        self.counts.encoded += picture.encoded
        self.rate.tick(self._clock.seconds())
        resized = (picture.width, picture.height) != (self.width, self.height)
        if resized:
            self.width, self.height = picture.width, picture.height
        frame = Frame(self._sequence, picture.time_us, picture.width, picture.height, picture.jpeg)
        if self.state != "live":
            self._first = frame
            self._put(self._lifecycle.came)
            return
        if resized:
            self._events.publish(self.changed())
        if self.state == "live":  # a listener may have stopped it on hearing of the size
            self.hub.publish(frame)

    def corrupt(self, reason: str) -> None:
        """A picture was no good: count it."""
        self.counts.corrupt += 1
        self._fault(reason)
        if self.counts.corrupt == 1:
            log.warn("{camera}: a picture was no good: {reason}", camera=self.name, reason=reason)

    def failed(self, error: CameraFailed) -> None:
        """The capture gives no more."""
        self._fault(str(error))
        if isinstance(error, SourceEnded):
            self._put(self._lifecycle.ended, str(error))
        else:
            self._news.append(_News(Fault(self.name, error.code, str(error))))
            self._put(self._lifecycle.failed, str(error))

    def changed(self) -> CameraChanged:
        """The camera's state as an event."""
        fps = self.granted.fps
        return CameraChanged(self.name, self.state, self.reason, self.width, self.height, fps)

    def _put(self, happen: Callable[..., None], *reason: str) -> None:
        """Let something happen to the lifecycle; then tell of it, and give the answers.

        Who is told may ask for something else at once. It is done at once, between two steps of
        the lifecycle and never within one, and is told of in its turn.
        """
        if self._is_telling:
            happen(*reason)
            return
        self._is_telling = True
        try:
            happen(*reason)
            while self._news:
                news = self._news.popleft()
                self._events.publish(news.event)
                if news.first is not None and self.state == "live":
                    self.hub.publish(news.first)
                if isinstance(news.event, CameraChanged):
                    _answer(news.waiting, news.event)
        finally:
            self._is_telling = False

    def _fault(self, reason: str) -> None:
        self.last_fault = (self._clock.seconds(), reason)

    def _begin(self) -> None:
        try:
            source = make_source(self.spec)
        except TwistedcamError as error:  # a file that was there is gone
            self.failed(CameraFailed(str(error)))
            return
        capture = Capture(source, self.encoder, self._make_thread(), self._clock, self)
        self._capture = capture
        capture.begin()

    def _open_if_wanted(self) -> None:
        wanted = self.state == "starting" or (self.state == "recovering" and self._retry is None)
        if wanted and self._capture is None and self._closing is None:
            self._begin()

    def _closed(self, _: None) -> None:
        self._closing = None

    def _outcome(self) -> Deferred[None]:
        """How the opening under way ends, or how the last one did."""
        if self.state == "live":
            return succeed(None)
        outcome: Deferred[None] = Deferred()
        if self.state == "stopped" or (self.state == "recovering" and self._retry is not None):
            _answer([outcome], self.changed())
        else:
            self._waiting.append(outcome)
        return outcome


@dataclass
class _News:
    """Something that is still to be told."""

    event: CameraChanged | Fault
    #: The picture that it became live with.
    first: Frame | None = None
    #: Those who are answered by it.
    waiting: list[Deferred[None]] = field(default_factory=list)


def _answer(waiting: list[Deferred[None]], change: CameraChanged) -> None:
    for each in waiting:
        if change.state == "live":
            each.callback(None)
        elif change.state == "stopped":
            each.errback(CameraFailed(change.reason or "it was stopped before it gave a picture"))
        else:
            each.errback(CameraFailed(f"{change.reason}; it is tried again and again"))
