"""A camera: a source that is started, stopped and opened again after failures, and its frames."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.camera.audio_input import AudioInput
from twistedcam.camera.bad_frames import BadFrameLog
from twistedcam.camera.notifier import StateNotifier, answer
from twistedcam.camera.on_demand import OnDemand, next_frame
from twistedcam.camera.opener import SourceOpener
from twistedcam.camera.packet_gathering import PacketGathering
from twistedcam.camera.retry import RETRY_MOST
from twistedcam.camera.source_settings import check_source
from twistedcam.camera.state_machine import CameraState, make_lifecycle
from twistedcam.camera.status import CameraStatus
from twistedcam.codecs.jpeg_encoder import EncodedPicture
from twistedcam.errors import CameraFailed, SourceEnded, Stalled
from twistedcam.events import REOPENED, EventBus, Fault
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.runtime.threads import Thread
from twistedcam.sources.base import RawPacket, ReactorSource, Source, SourceInfo
from twistedcam.sources.push import Inbox
from twistedcam.sources.registry import make_source
from twistedcam.sources.spec import SourceSpec, title_of
from twistedcam.stream.hub import FrameHub
from twistedcam.stream.stream import Stream

log = Logger()

#: Seconds to wait for the frame that a caller asked for, once the source is open.
PICTURE_WAIT = 5.0
#: The highest rate of pictures that is believed to be a camera's.
_MAX_RATE = 240


class Camera(CameraStatus):
    """One camera.

    Arguments:
        name: the camera's name.
        spec: the source of its frames.
        events: receives its changes.
        clock: measures retries and rates.
        make_thread: returns a new thread for each opening of the source.
        monotonic: returns the seconds of a monotonic clock.

    Raises:
        BadArgument: the source or one of its settings is unknown or wrong.
    """

    def __init__(
        self,
        name: str,
        spec: SourceSpec,
        events: EventBus,
        clock: IReactorTime,
        make_thread: Callable[[], Thread],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name, spec, clock)
        #: The name that people see; None if that is its name.
        self.title = title_of(spec)
        #: Its packets, and the hubs by which they are had in each codec.
        self.stream = Stream(name, clock, make_thread, events, lambda: self.encoder, monotonic)
        self.stream.find_rate = self._nominal_rate
        self.hub.on_undecodable = self.on_corrupt
        self.hub.on_transcoded = self.counts.note_encoded
        self._bad_frames = BadFrameLog(name, clock)
        #: Takes the pictures that clients send to a camera whose source is ``push:``.
        self.inbox = Inbox()
        self._id = secrets.token_hex(8)
        self._events = events
        self._make_thread = make_thread
        self.encoder = check_source(spec)  # a wrong setting is an error here, not in the thread
        #: What becomes of its sound.
        self.audio = AudioInput(name, self.stream.audio, events, spec, clock, self._pass_sound)
        #: True while the source is open and need not deliver frames at a steady rate.
        self._may_be_silent = False
        #: True while the source is open and delivers no frames for a known reason.
        self._is_paused = False
        self._first: Packet | None = None
        #: The number of packets of sound.
        self._sounds = 0
        #: The notes of its pictures that were logged (EncodedPicture.note).
        self._noted: set[str] = set()
        #: The error of the last attempt.
        self._error: CameraFailed | None = None
        self._notifier = StateNotifier(events, self._show, clock)
        self._opener = SourceOpener(
            self,
            lambda: make_source(self.spec, self.inbox),
            lambda: len(self.hub) > 0,
            clock,
            make_thread,
            lambda: self._notifier.step(self._lifecycle.retry),
        )
        self._gathering = PacketGathering(self.stream, self.audio, lambda: self.source, self.rate)
        self.audio.is_muted_at_source = lambda: self._opener.is_muted_at_source
        self._lifecycle = make_lifecycle(self)
        self._on_demand = OnDemand(
            self.stream,
            clock,
            lambda: self._notifier.step(self._lifecycle.resume),
            self._suspend,
        )
        self._on_demand.follow(spec)

    @property
    def hub(self) -> FrameHub:
        """The hub of its JPEG frames; if it encodes video, they are made while somebody listens."""
        return self.stream.frames

    @property
    def via(self) -> tuple[str, ...]:
        """The ids of the cameras that its frames pass through, its own first (wire.State)."""
        return (self._id, *self._opener.via)

    @property
    def lost(self) -> int:
        """The number of pictures that the device has lost, as far as it tells."""
        return self._opener.lost

    @property
    def source(self) -> Source | ReactorSource | None:
        """The source that was opened last."""
        return self._opener.source

    def make_second_camera(self, spec: SourceSpec, purpose: str) -> Camera:
        """Return another camera, for another stream of the device; its events reach nobody.

        Arguments:
            purpose: what the stream is for, in log lines.
        """
        name = f"{self.name} ({purpose})"
        return Camera(name, spec, EventBus(), self._clock, self._make_thread)

    async def picture(self, seconds: float = PICTURE_WAIT) -> Frame:
        """Return the newest frame. An idle camera opens its device for it.

        Raises:
            CameraFailed: there is no frame.
        """
        had_one = self.hub.newest is not None
        frame = await self.newest_picture()
        comes = self.state == "live" or (self.reason or "").startswith(REOPENED)
        if frame is None and (had_one or self.is_idle or comes):
            frame = await next_frame(self.hub, self._clock, seconds)
        if frame is None:
            because = f": {self.reason}" if self.reason else ""
            raise CameraFailed(f"{self.name} has no picture, it is {self.state}{because}")
        return frame

    async def newest_picture(self) -> Frame | None:
        """Return the newest frame, or that of the newest key frame if nobody watches; or None.

        A key frame is decoded for it. None: there is no frame, or it cannot be decoded.
        """
        frame = self.hub.encoded()
        if frame is None:
            self.stream.packets.catch_up()
            with suppress(ValueError):  # the next one may be readable
                frame = await self.stream.still()
        return frame

    # Requests of users.

    def start(self) -> Deferred[None]:
        """Start the camera, if it is stopped.

        Fires when the camera is live. Fails with CameraFailed if the source cannot be opened (it
        is then tried repeatedly), if it delivers no frame within ``PICTURE_WAIT`` (the camera
        is live as soon as it does), or if the camera is stopped before.
        """
        if self.state == "stopped" and self._on_demand.can_wait:
            self._notifier.step(self._lifecycle.suspend)
        else:
            self._notifier.step(self._lifecycle.start)
        return self._outcome()

    def stop(self) -> Deferred[None]:
        """Stop the camera. Fires when the device is released, or abandoned because it hangs."""
        self._on_demand.cancel()
        self._notifier.step(self._lifecycle.stop)
        return self._opener.closed().addCallback(lambda _: self.audio.closed())

    def use(self, spec: SourceSpec, reopen: bool = True) -> Deferred[None]:
        """Continue with other settings of the source; viewers and a recording stay.

        Fires and fails as ``start``; fires at once if the camera is stopped or need not reopen.

        Raises:
            BadArgument: a setting is unknown or wrong; nothing has changed.
        """
        encoder = check_source(spec)
        self.spec = spec
        self.audio.use(spec)
        before, self.title = self.title, title_of(spec)
        if self.title != before:
            self._events.publish(self.changed())
        self._on_demand.follow(spec)
        if not reopen or self.state == "stopped":
            self.encoder.quality = encoder.quality
            if reopen:
                self.encoder = encoder
                self.stream.negotiate()  # who stays connected may need what is encoded here now
            return succeed(None)
        self.encoder = encoder
        self.stream.negotiate()
        self._notifier.step(self._lifecycle.reopen, f"{REOPENED} as {spec.shown}")
        return self._outcome()

    # Outputs of the state machine (state_machine.Actions).

    def enter(self, state: CameraState, reason: str | None = None, is_idle: bool = False) -> None:
        """Enter a state, and notify all listeners."""
        is_news = (state, reason) != (self.state, self.reason)
        self.set_state(state, reason, is_idle)
        if state != "live":
            self.stream.clear()
        if state == "starting":
            self.inbox.renew()
        if state == "live":
            self._opener.succeeded()
            self._gathering.apply()
            log.info("{camera} is live: {granted}", camera=self.name, granted=self.source_info)
        elif not is_news:  # a retry that failed as the one before: it was logged
            pass
        elif reason and not is_idle:
            log.warn("{camera} is {state}: {reason}", camera=self.name, state=state, reason=reason)
        else:
            because = f": {reason}" if reason else ""
            log.info("{camera} is {state}{why}", camera=self.name, state=state, why=because)
        self._notifier.add(self.changed(), self._first if state == "live" else None)
        self.audio.follow(state != "stopped", self.source_info.device, state == "live")

    def _nominal_rate(self) -> float | None:
        fps = self.source_info.fps
        return fps if 1 <= fps <= _MAX_RATE else None

    def open_source(self) -> None:
        """Begin a new capture, as soon as the previous one has released the device."""
        # A silent device that was opened again gets as long as it may need to come back.
        self._opener.begin(self.encoder, RETRY_MOST if self.state == "recovering" else 0.0)

    def close_source(self) -> None:
        """End the current capture."""
        self._is_paused = self._may_be_silent = False
        self._opener.end()

    def retry_later(self) -> None:
        """Schedule a retry: later each time, and at once when the device is back."""
        self.counts.restarts += 1
        self._opener.again_later(self._error)

    # Events of the capture (capture.CaptureListener).

    def on_opened(self, granted: SourceInfo) -> None:
        """Note what the source delivers."""
        self.source_info = granted
        self.width, self.height = self.encoder.finished_size(granted.width, granted.height)
        if granted.sound is not None and self.audio.settings.takes_own:
            self.stream.audio.expect(granted.sound)
        self.audio.note_fault(granted.sound_fault)
        self._may_be_silent = not granted.steady  # the capture detects that a steady one stalls
        self._limit_waiting()
        self._refuse_loop()

    def on_picture(self, picture: EncodedPicture) -> None:
        """Number a picture and pass it on."""
        before = (self.width, self.height)
        frame = self.number(picture)
        if picture.note and picture.note not in self._noted:
            self._noted.add(picture.note)
            log.warn("{camera}: {note}", camera=self.name, note=picture.note)
        self._pass_on(frame, before)

    def on_packet(self, raw: RawPacket) -> None:
        """Number a packet and pass it on."""
        if raw.track.kind == "audio":
            self.audio.take_own(raw)
            return
        before = (self.width, self.height)
        size = self.encoder.finished_size(raw.track.width, raw.track.height)
        self._pass_on(self.number_packet(raw, size), before)

    def on_corrupt(self, reason: str) -> None:
        """Count a corrupt picture."""
        self.counts.corrupt += 1
        self.note_fault(reason)
        self._bad_frames.report(reason)
        self.inbox.tell_refusal()

    def on_sound_fault(self, reason: str) -> None:
        """Tell why the camera's sound cannot be used."""
        self.audio.note_fault(reason)

    def on_paused(self, reason: str, stalled: bool = False) -> None:
        """Recover without reopening: the source delivers no frames for a known reason."""
        if (self.state, self.reason) != ("recovering", reason):
            self.note_fault(reason)
            self.stalled = stalled
            self._is_paused = True
            self._notifier.step(self._lifecycle.paused, reason)
        self._refuse_loop()

    def on_failed(self, error: CameraFailed) -> None:
        """Recover, or stop if the source has ended: the capture delivers no more."""
        self._error = error
        self.note_fault(str(error))
        self.stalled = isinstance(error, Stalled)
        if isinstance(error, SourceEnded):
            self._notifier.step(self._lifecycle.ended, str(error))
        else:
            self._notifier.add(Fault(self.name, error.code, str(error)))
            self._notifier.step(self._lifecycle.failed, str(error))

    def _pass_on(self, packet: Packet, size: tuple[int, int]) -> None:
        """Publish a picture, and tell that the camera is live or that its size is another.

        Arguments:
            size: (width, height) of the picture before.
        """
        if self.state != "live":
            self._is_paused = False
            self._first = packet
            self._notifier.step(self._lifecycle.first_frame)
            return
        if size != (self.width, self.height):
            self._events.publish(self.changed())
        if self.state == "live":  # a listener may have stopped it on hearing of the size
            self.stream.publish(packet)

    def _pass_sound(self, raw: RawPacket) -> None:
        if self.state == "live":
            self._sounds += 1
            time_us = round(raw.time * 1e6)
            self.stream.publish(Packet(raw.track, self._sounds, time_us, time_us, raw.data))

    def _suspend(self) -> None:
        if self.state != "stopped":
            self._notifier.step(self._lifecycle.suspend)

    def _show(self, first: Packet) -> None:
        if self.state == "live":
            self.stream.publish(first)

    def _refuse_loop(self) -> None:
        """Give up a source that relays this camera's own frames."""
        if self._id in self.via[1:]:
            self._opener.give_up()
            ring = "its pictures would come from itself: servers relay each other's camera"
            self.on_failed(CameraFailed(ring))

    def _outcome(self) -> Deferred[None]:
        """The result of the current attempt to open the source, or of the last one."""
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
        """Limit the time to wait for the first frame of a source that may be silent."""
        if self._may_be_silent:
            seconds = PICTURE_WAIT + (1 / self.source_info.fps if self.source_info.fps else 0)
            self._notifier.limit(seconds, self.reason)
