"""A camera: a source that is started, stopped and brought back, and the frames that it gives."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.camera.bad_frames import BadFrameLog
from twistedcam.camera.notifier import StateNotifier, answer
from twistedcam.camera.on_demand import OnDemand, may_rest, next_frame
from twistedcam.camera.opener import SourceOpener
from twistedcam.camera.properties.device import DeviceControls
from twistedcam.camera.properties.group import CameraProperties
from twistedcam.camera.state_machine import CameraState, make_lifecycle
from twistedcam.camera.status import CameraStatus
from twistedcam.errors import CameraFailed, SourceEnded, Stalled
from twistedcam.events import OPENED_ANEW, EventBus, Fault, PropertiesChanged
from twistedcam.frame import Frame
from twistedcam.hub import Hub
from twistedcam.sources import Inbox, SourceInfo, SourceSpec, make_source
from twistedcam.sources.encode import Encoder, Picture
from twistedcam.sources.spec import title_of

if TYPE_CHECKING:
    from twistedcam.camera.properties.base import Property
    from twistedcam.runtime.threads import Thread

log = Logger()

#: Seconds that a source may take to give the picture that was asked for, once it is open.
PICTURE_WAIT = 5.0


def check_source(spec: SourceSpec) -> Encoder:
    """See that a camera can have that source, with all its settings; gives what encodes for it.

    Raises:
        BadArgument: the source, or a setting of it, is not one that there is.
    """
    make_source(spec)
    may_rest(spec)
    title_of(spec)
    return Encoder.from_spec(spec)


class Camera(CameraStatus):
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
        super().__init__(name, clock)
        self.spec = spec
        #: What it is called where people see it; None: its name.
        self.title = title_of(spec)
        self.hub = Hub(clock)
        self.hub.on_undecodable = self.corrupt
        self._bad_frames = BadFrameLog(name, clock)
        #: Where pictures are left for a camera whose source is ``push:``.
        self.inbox = Inbox()
        self._id = secrets.token_hex(8)
        self._events = events
        self.encoder = check_source(spec)  # what is wrong is said now, and not in the thread
        #: Whether the source is open and may give no picture for as long as it likes.
        self._may_be_silent = False
        #: Whether the source is open and gives no pictures, for a reason that is known.
        self._is_paused = False
        self._first: Frame | None = None
        #: What was logged of its pictures (Picture.note).
        self._noted: set[str] = set()
        #: What the last attempt failed with.
        self._error: CameraFailed | None = None
        self._notifier = StateNotifier(events, self._show, clock)
        self._opener = SourceOpener(
            self, clock, make_thread, lambda: self._notifier.step(self._lifecycle.retry)
        )
        self._lifecycle = make_lifecycle(self)
        self._on_demand = OnDemand(
            self.hub,
            clock,
            lambda: self._notifier.step(self._lifecycle.resume),
            lambda: (
                self._notifier.step(self._lifecycle.suspend) if self.state != "stopped" else None
            ),
        )
        self._on_demand.follow(spec)
        self.properties = CameraProperties(self, DeviceControls(self, clock, make_thread))

    @property
    def via(self) -> tuple[str, ...]:
        """The cameras that its pictures come through, itself first (wire.State)."""
        return (self._id, *self._opener.via)

    async def picture(self, seconds: float = PICTURE_WAIT) -> Frame:
        """The newest picture; of an idle camera the first, for which its device is opened.

        Raises:
            CameraFailed: there is none.
        """
        had_one = self.hub.newest is not None
        frame = self.hub.encoded()
        if frame is None and (had_one or self.is_idle):
            frame = await next_frame(self.hub, self._clock, seconds)
        if frame is None:
            because = f": {self.reason}" if self.reason else ""
            raise CameraFailed(f"{self.name} has no picture, it is {self.state}{because}")
        return frame

    # What controllers ask for.

    def start(self) -> Deferred[None]:
        """Run, if it does not run already.

        Fires when the camera is live; fails with CameraFailed if the source cannot be had (it is
        then tried again and again), gives no picture for ``PICTURE_WAIT`` (it is live as soon as it
        does) or the camera is stopped before it gave one.
        """
        if self.state == "stopped" and self._on_demand.can_wait:
            self._notifier.step(self._lifecycle.suspend)
        else:
            self._notifier.step(self._lifecycle.start)
        return self._outcome()

    def stop(self) -> Deferred[None]:
        """Stop, if it runs. Fires when the device is free, or is left behind because it hangs."""
        self._on_demand.cancel()
        self._notifier.step(self._lifecycle.stop)
        return self._opener.closed()

    def use(self, spec: SourceSpec, *, reopen: bool = True) -> Deferred[None]:
        """Go on with other settings of the source; viewers and a recording stay.

        Fires and fails as ``start``; at once if it is stopped, or nothing has to be opened anew.

        Raises:
            BadArgument: a setting is not one that there is; nothing has changed.
        """
        encoder = check_source(spec)
        self.spec = spec
        before, self.title = self.title, title_of(spec)
        if self.title != before:
            self._events.publish(self.changed())
        self._on_demand.follow(spec)
        if not reopen or self.state == "stopped":
            self.encoder.quality = encoder.quality
            if reopen:
                self.encoder = encoder
            return succeed(None)
        self.encoder = encoder
        self._notifier.step(self._lifecycle.reopen, f"{OPENED_ANEW} as {spec.shown}")
        return self._outcome()

    def tell_properties(self, found: Iterable[Property]) -> None:
        """Tell what holds since these were set."""
        values = {each.name: each.value for each in found}
        self._events.publish(PropertiesChanged(self.name, values))

    # What the lifecycle does (lifecycle.Actions).

    def enter(self, state: CameraState, reason: str | None = None) -> None:
        """Be in that state from now on."""
        is_news = (state, reason) != (self.state, self.reason)
        self.set_state(state, reason)
        if state != "live":
            self.hub.clear()
        if state == "starting":
            self.inbox.renew()
        if state == "live":
            self._opener.succeeded()
            log.info("{camera} is live: {granted}", camera=self.name, granted=self.granted)
        elif not is_news:  # tried again in vain: one line in the log is enough
            pass
        elif reason and not self.is_idle:
            log.warn("{camera} is {state}: {reason}", camera=self.name, state=state, reason=reason)
        else:
            because = f": {reason}" if reason else ""
            log.info("{camera} is {state}{why}", camera=self.name, state=state, why=because)
        self._notifier.add(self.changed(), self._first if state == "live" else None)

    def open_source(self) -> None:
        """Begin a new capture, as soon as the one before has let the device go."""
        self._opener.begin()

    def close_source(self) -> None:
        """End the capture under way."""
        self._is_paused = self._may_be_silent = False
        self._opener.end()

    def retry_later(self) -> None:
        """Try again, after a longer wait each time, or as soon as the device is back."""
        self.counts.restarts += 1
        self._opener.again_later(self._error)

    # What the capture tells (capture.CaptureListener).

    def opened(self, granted: SourceInfo) -> None:
        """The source is open."""
        self.granted = granted
        self.width, self.height = self.encoder.finished_size(granted.width, granted.height)
        self._may_be_silent = not granted.steady  # of others the capture says when they stall
        self._limit_waiting()
        self._refuse_ring()

    def captured(self, picture: Picture) -> None:
        """A picture has come: number it and pass it on."""
        before = (self.width, self.height)
        frame = self.number(picture)
        if picture.note and picture.note not in self._noted:
            self._noted.add(picture.note)
            log.warn("{camera}: {note}", camera=self.name, note=picture.note)
        if self.state != "live":
            self._is_paused = False
            self._first = frame
            self._notifier.step(self._lifecycle.first_frame)
            return
        if before != (self.width, self.height):
            self._events.publish(self.changed())
        if self.state == "live":  # a listener may have stopped it on hearing of the size
            self.hub.publish(frame)

    def corrupt(self, reason: str) -> None:
        """A picture was no good: count it."""
        self.counts.corrupt += 1
        self.note_fault(reason)
        self._bad_frames.tell(reason)
        self.inbox.tell_refusal()

    def paused(self, reason: str, stalled: bool = False) -> None:
        """It is known why the source gives no pictures now."""
        if (self.state, self.reason) != ("recovering", reason):
            self.note_fault(reason)
            self.stalled = stalled
            self._is_paused = True
            self._notifier.step(self._lifecycle.paused, reason)
        self._refuse_ring()

    def failed(self, error: CameraFailed) -> None:
        """The capture gives no more."""
        self._error = error
        self.note_fault(str(error))
        self.stalled = isinstance(error, Stalled)
        if isinstance(error, SourceEnded):
            self._notifier.step(self._lifecycle.ended, str(error))
        else:
            self._notifier.add(Fault(self.name, error.code, str(error)))
            self._notifier.step(self._lifecycle.failed, str(error))

    def _show(self, first: Frame) -> None:
        if self.state == "live":
            self.hub.publish(first)

    def _refuse_ring(self) -> None:
        """Give up a source that leads back here."""
        if self._id in self.via[1:]:
            self._opener.give_up()
            ring = "its pictures would come from itself: servers relay each other's camera"
            self.failed(CameraFailed(ring))

    def _outcome(self) -> Deferred[None]:
        """How the opening under way ends, or how the last one did."""
        if self.state == "live" or self.is_idle:
            return succeed(None)
        known = self._opener.is_waiting or self._is_paused
        if self.state == "stopped" or (self.state == "recovering" and known):
            outcome: Deferred[None] = Deferred()
            answer([outcome], self.changed())
            return outcome
        waiting = self._notifier.wait()
        self._limit_waiting()
        return waiting

    def _limit_waiting(self) -> None:
        """Let nobody wait for ever for a picture that may never come."""
        if self._may_be_silent:
            seconds = PICTURE_WAIT + (1 / self.granted.fps if self.granted.fps else 0)
            self._notifier.hurry(seconds, self.reason)
