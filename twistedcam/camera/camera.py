"""A camera: a source that is started, stopped and brought back, and the frames that it gives."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.camera.capture import Capture
from twistedcam.camera.controls import DeviceControls
from twistedcam.camera.demand import Demand, next_frame
from twistedcam.camera.lifecycle import IDLE, CameraState, make_lifecycle
from twistedcam.camera.properties import CameraProperties
from twistedcam.camera.retry import RETRY_MOST, Retry
from twistedcam.errors import CameraFailed, SourceEnded, Stalled, TwistedcamError
from twistedcam.events import CameraChanged, EventBus, Fault
from twistedcam.frame import Frame
from twistedcam.histogram import Histogram
from twistedcam.hub import Hub
from twistedcam.rate import Rate
from twistedcam.sources import Granted, Inbox, Source, SourceSpec, make_source
from twistedcam.sources.base import Relaying
from twistedcam.sources.encode import Encoder, Picture

if TYPE_CHECKING:
    from twistedcam.camera.thread import Thread

log = Logger()

#: Seconds that an idle camera may take to give the picture that was asked for.
PICTURE_WAIT = 5.0
#: Openings of a source that may hang in its driver before no more are tried.
HANGING_MOST = 3


@dataclass
class CameraCounts:
    """What a camera has done since the server began."""

    frames: int = 0
    bytes: int = 0
    encoded: int = 0
    passed: int = 0
    turned: int = 0
    repaired: int = 0
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
        self.hub = Hub(clock)
        #: Where pictures are left for a camera whose source is ``push:``.
        self.inbox = Inbox()
        self.state: CameraState = "stopped"
        #: Why it is not live, in words, or None.
        self.reason: str | None = None
        #: What the source gave at its last opening.
        self.granted = Granted()
        #: The size of the newest picture; 0 before the first.
        #: Whether its last failure was silence only: the device is there and gives no picture.
        self.stalled = False
        self.width = 0
        self.height = 0
        self.rate = Rate()
        self.counts = CameraCounts()
        #: How old pictures were when they came to be passed on, in seconds.
        self.ages = Histogram()
        #: The last fault and the clock's second at which it was, or None.
        self.last_fault: tuple[float, str] | None = None
        #: The clock's second at which it became live, or None.
        self.live_since: float | None = None
        self._id = secrets.token_hex(8)
        self._events = events
        self._clock = clock
        self._make_thread = make_thread
        self.encoder = Encoder.from_spec(spec)
        make_source(spec)  # what is wrong with it is said now, and not in the thread
        self._sequence = 0
        self._capture: Capture | None = None
        self._closing: Deferred[None] | None = None
        self._source: Source | None = None
        self._retry = Retry(clock, lambda: self._put(self._lifecycle.retry))
        #: Whether the source is open and gives no pictures, for a reason that is known.
        self._is_paused = False
        #: Captures that were left behind because the driver hangs.
        self._hanging = 0
        self._waiting: list[Deferred[None]] = []
        self._first: Frame | None = None
        self._news: deque[_News] = deque()
        self._is_telling = False
        self._lifecycle = make_lifecycle(self)
        self._demand = Demand(
            self.hub,
            clock,
            lambda: self._put(self._lifecycle.wanted),
            lambda: self._put(self._lifecycle.rest) if self.state != "stopped" else None,
        )
        self._demand.follow(spec)
        self.properties = CameraProperties(self)
        self.properties.add(DeviceControls(self, clock, make_thread))

    @property
    def via(self) -> tuple[str, ...]:
        """The cameras that its pictures come through, itself first (wire.State)."""
        source = self._source
        return (self._id, *(source.via if isinstance(source, Relaying) else ()))

    @property
    def is_idle(self) -> bool:
        """Whether it runs with its device closed, because nobody watches."""
        return self.state == "stopped" and self.reason == IDLE

    async def picture(self, seconds: float = PICTURE_WAIT) -> Frame:
        """The newest picture; of an idle camera the first, for which its device is opened.

        Raises:
            CameraFailed: there is none.
        """
        frame = self.hub.newest
        if frame is None and self.is_idle:
            frame = await next_frame(self.hub, self._clock, seconds)
        if frame is None:
            because = f": {self.reason}" if self.reason else ""
            raise CameraFailed(f"{self.name} has no picture, it is {self.state}{because}")
        return frame

    # What controllers ask for.

    def start(self) -> Deferred[None]:
        """Run, if it does not run already.

        Fires when the camera is live; fails with CameraFailed if the source cannot be had (it is
        then tried again and again) or the camera is stopped before it gave a picture.
        """
        if self.state == "stopped" and self._demand.can_wait:
            self._put(self._lifecycle.rest)
        else:
            self._put(self._lifecycle.start)
        return self._outcome()

    def stop(self) -> Deferred[None]:
        """Stop, if it runs. Fires when the device is free, or is left behind because it hangs."""
        self._demand.cancel()
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
        self._demand.follow(spec)
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
        if state == "starting":
            self.inbox.renew()
        if state == "live":
            self._retry.reset()
            log.info("{camera} is live: {granted}", camera=self.name, granted=self.granted)
        elif reason and not self.is_idle:
            log.warn("{camera} is {state}: {reason}", camera=self.name, state=state, reason=reason)
        else:
            because = f": {reason}" if reason else ""
            log.info("{camera} is {state}{why}", camera=self.name, state=state, why=because)
        waiting: list[Deferred[None]] = []
        if state != "starting":
            waiting, self._waiting = self._waiting, waiting
        first = self._first if state == "live" else None
        self._news.append(_News(self.changed(), first, waiting))

    def open_source(self) -> None:
        """Begin a new capture, as soon as the one before has let the device go."""
        if self._closing is not None:
            self._closing.addCallback(lambda _: self._open_if_wanted())
        else:
            self._open_if_wanted()

    def close_source(self) -> None:
        """End the capture under way."""
        self._retry.cancel()
        self._is_paused = False
        if self._capture is None:
            return
        capture, self._capture = self._capture, None
        closing = capture.end()
        if not closing.called:
            self._closing = closing
            closing.addCallback(self._closed, capture)

    def retry_later(self) -> None:
        """Try again, after a longer wait each time, or as soon as the device is back."""
        self.counts.restarts += 1
        self._retry.wait(self._source)

    # What the capture tells (capture.CaptureListener).

    def opened(self, granted: Granted) -> None:
        """The source is open."""
        self.granted = granted
        self.width, self.height = granted.width, granted.height
        self._refuse_ring()

    def captured(self, picture: Picture) -> None:
        """A picture has come: number it and pass it on."""
        self._sequence += 1
        self.counts.frames += 1
        if isinstance(picture.jpeg, bytes):
            self.counts.bytes += len(picture.jpeg)
            self.counts.passed += not picture.encoded and not picture.turned
        self.ages.observe(time.time() - picture.time_us / 1e6)
        self.counts.encoded += picture.encoded
        self.counts.turned += picture.turned
        self.counts.repaired += picture.repaired
        self.rate.tick(self._clock.seconds())
        resized = (picture.width, picture.height) != (self.width, self.height)
        if resized:
            self.width, self.height = picture.width, picture.height
        frame = Frame(self._sequence, picture.time_us, picture.width, picture.height, picture.jpeg)
        if self.state != "live":
            self._is_paused = False
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

    def paused(self, reason: str) -> None:
        """The source knows why it gives no pictures now."""
        if (self.state, self.reason) != ("recovering", reason):
            self._fault(reason)
            self._is_paused = True
            self._put(self._lifecycle.paused, reason)
        self._refuse_ring()

    def failed(self, error: CameraFailed) -> None:
        """The capture gives no more."""
        self._fault(str(error))
        self.stalled = isinstance(error, Stalled)
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

    def _refuse_ring(self) -> None:
        """Give up a source that leads back here."""
        if self._id in self.via[1:]:
            self._source = None
            ring = "its pictures would come from itself: servers relay each other's camera"
            self.failed(CameraFailed(ring))

    def _fault(self, reason: str) -> None:
        self.last_fault = (self._clock.seconds(), reason)

    def _begin(self) -> None:
        self._source = None
        if self._hanging >= HANGING_MOST:
            hint = "unplug it, or wait until its driver comes back"
            self.failed(CameraFailed(f"its driver hangs, {self._hanging} times over: {hint}"))
            return
        try:
            source = make_source(self.spec, self.inbox)
        except TwistedcamError as error:  # a file that was there is gone
            self.failed(CameraFailed(str(error)))
            return
        self._source = source
        self._retry.trying(source)
        # A silent device that has been opened again is listened to for as long as it may come back.
        patience = RETRY_MOST if self.state == "recovering" else 0.0
        capture = Capture(
            source,
            self.encoder,
            self._make_thread(),
            self._clock,
            self,
            patience,
            lambda: len(self.hub) > 0,
        )
        self._capture = capture
        capture.begin()

    def _open_if_wanted(self) -> None:
        wanted = self.state == "starting" or (
            self.state == "recovering" and not self._retry.pending
        )
        if wanted and self._capture is None and self._closing is None:
            self._begin()

    def _closed(self, _: None, capture: Capture) -> None:
        self._closing = None
        if not capture.released.called:  # it was left behind
            self._hanging += 1
            capture.released.addCallback(self._let_go)

    def _let_go(self, _: None) -> None:
        """An opening that hung has come back."""
        self._hanging -= 1
        self._retry.hasten()

    def _outcome(self) -> Deferred[None]:
        """How the opening under way ends, or how the last one did."""
        if self.state == "live" or self.is_idle:
            return succeed(None)
        outcome: Deferred[None] = Deferred()
        known = self._retry.pending or self._is_paused
        if self.state == "stopped" or (self.state == "recovering" and known):
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
