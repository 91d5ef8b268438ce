"""Motion of one camera: its detection, its events, and the recordings by it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from twisted.logger import Logger

from twistedcam.camera import Camera
from twistedcam.camera.substream import Substream
from twistedcam.events import (
    CameraChanged,
    Event,
    EventBus,
    Fault,
    MotionChanged,
    new_event_id,
)
from twistedcam.processing.motion.findings import Examined, Moving, PictureFault
from twistedcam.processing.motion.settings import MotionSettings, Zone
from twistedcam.processing.motion.watch import MotionWatch
from twistedcam.recording import Recorder
from twistedcam.recording.held_recording import HeldRecording
from twistedcam.runtime.threads import Thread
from twistedcam.runtime.timer import Timer
from twistedcam.util.polygons import Polygon

log = Logger()

MotionState = Literal["off", "quiet", "moving"]

#: Seconds without motion after which it has ended.
QUIET = 1.0
#: Seconds between two looks at the schedule.
SCHEDULE_PERIOD = 5.0
#: Seconds by which motion may be found after it has begun, at most: they are kept as well.
MAX_DELAY = 2.0

_FAULTS: dict[PictureFault, str] = {
    "frozen": "the camera is frozen: its picture has not changed for 10 s",
    "covered": "the camera is covered, or it is dark: its picture is of one grey",
}


@dataclass
class _Current:
    """A motion that has begun and not ended."""

    id: str
    strongest: Moving
    last: float


class CameraMotion:
    """Detects motion on a camera while that is on, and records it.

    Arguments:
        camera: the camera.
        recorder: its recorder.
        events: receives motion and faults.
        reactor: measures the time.
        make_thread: returns a new thread.
        settings: how motion is detected; None: it is off until ``switch``.
        saved: the settings to use in place of them, which were saved; None for the same.
        monotonic: returns the seconds of a monotonic clock.
    """

    def __init__(
        self,
        camera: Camera,
        recorder: Recorder,
        events: EventBus,
        reactor: Any,
        make_thread: Callable[[], Thread],
        settings: MotionSettings | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        saved: MotionSettings | None = None,
    ) -> None:
        #: True if motion is detected, at the times of the schedule.
        self.is_on = False
        #: The score of what moves now, from 0 to 100.
        self.score = 0.0
        #: What moves in the newest picture that was examined, the strongest first.
        self.moving: list[Moving] = []
        self._camera = camera
        self._recorder = recorder
        self._events = events
        self._make_thread = make_thread
        self._monotonic = monotonic
        #: The settings of the configuration; None if it has none.
        self.configured: MotionSettings | None = None
        self._settings = MotionSettings()
        self._watch: MotionWatch | None = None
        #: The smaller stream that is watched in place of the camera's own, or None.
        self._substream: Substream | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._event: _Current | None = None
        self._fault: PictureFault | None = None
        self._schedule = Timer(reactor)
        self._held = HeldRecording(
            recorder,
            "motion",
            reactor,
            lambda error: events.publish(Fault(camera.name, error.code, str(error))),
        )
        self.configure(settings, saved)

    @property
    def settings(self) -> MotionSettings:
        """The settings that are used while it is on."""
        return self._settings

    @property
    def now(self) -> MotionSettings | None:
        """The settings of now, with ``enabled`` as switched; None: as without configuration."""
        if self.configured is None and not self.is_on and self._settings == MotionSettings():
            return None
        return msgspec.structs.replace(self._settings, enabled=self.is_on)

    @property
    def state(self) -> MotionState:
        """The state of the detection; ``off`` also outside the times of the schedule."""
        if self._watch is None:
            return "off"
        return "quiet" if self._event is None else "moving"

    @property
    def event(self) -> str | None:
        """The ID of the motion that has begun and not ended, or None."""
        return None if self._event is None else self._event.id

    def configure(
        self, settings: MotionSettings | None, saved: MotionSettings | None = None
    ) -> None:
        """Use other settings; None: the usual ones, and it is off.

        Arguments:
            settings: those of the configuration.
            saved: the settings to use in place of them, which were saved; None for the same.
        """
        self.configured = settings
        used = settings if saved is None else saved
        self._settings = used or MotionSettings()
        self.switch(used is not None and used.enabled)

    def set_areas(
        self, zones: tuple[Zone, ...] | None = None, ignore: tuple[Polygon, ...] | None = None
    ) -> None:
        """Use other zones or ignored polygons; None for those of now. A motion that has begun ends.

        The detector learns the background again.
        """
        before = self._settings
        zones = before.zones if zones is None else zones
        ignore = before.ignore if ignore is None else ignore
        self._settings = msgspec.structs.replace(before, zones=zones, ignore=ignore)
        if self._watch is not None and self._settings != before:
            self._watch.use(self._watched)
            self._end_event()

    def switch(self, on: bool) -> None:
        """Detect motion from now on, or no longer. A motion that has begun ends."""
        self.stop()
        self.is_on = on
        if on:
            self._follow_schedule()

    def stop(self) -> None:
        """End the detection, the motion and its recording; the camera is removed, or the server."""
        self._schedule.cancel()
        self._stop_watch()
        self._held.release()

    def rejoin(self) -> None:
        """Hold the recording again if something moves: a person has begun another one."""
        if self._event is not None and self._settings.record:
            self._held.hold(self._event.id)

    def _follow_schedule(self) -> None:
        when = self._settings.when
        if when is None or when.covers(time.time()):
            self._start_watch()
        else:
            self._stop_watch()
        if when is not None:
            self._schedule.start(SCHEDULE_PERIOD, self._follow_schedule)

    def _start_watch(self) -> None:
        if self._watch is not None:
            return
        if self._settings.record:
            self._recorder.keep_before(self._settings.before + MAX_DELAY)
        self._open_substream()
        self._watch = MotionWatch(
            self._camera if self._substream is None else self._substream.own,
            self._watched,
            self._make_thread,
            self._on_examined,
            self._on_lost,
            self._monotonic,
        )

    def _stop_watch(self) -> None:
        if self._watch is not None:
            self._watch.end()
            self._watch = None
            self._close_substream()
            self._recorder.keep_before(0)
        self._end_event()
        self._fault = None

    def _open_substream(self) -> None:
        """Open the smaller stream of the settings, if there is one."""
        source = self._settings.source
        if source is None:
            return
        self._substream = Substream(self._camera, source, "motion", self._events)
        self._unsubscribe = self._events.subscribe(self._on_event)

    @property
    def _watched(self) -> MotionSettings:
        """The settings for the pictures that are watched.

        Nothing moves below the camera's privacy masks, also in a smaller stream without them.
        """
        if self._settings.source is None:
            return self._settings
        masks = self._camera.encoder.privacy
        return msgspec.structs.replace(self._settings, ignore=(*self._settings.ignore, *masks))

    def _close_substream(self) -> None:
        self._unsubscribe()
        if self._substream is not None:
            self._substream.close()
            self._substream = None

    def _on_event(self, event: Event) -> None:
        """Use the camera's privacy masks of now."""
        is_own = isinstance(event, CameraChanged) and event.camera == self._camera.name
        if is_own and self._watch is not None:
            self._watch.use(self._watched)

    def _on_examined(self, found: Examined, at: float) -> None:
        self._on_fault(found.fault)
        self.moving = found.moving
        strongest = found.moving[0] if found.moving else None
        self.score = strongest.score if strongest else 0.0
        event = self._event
        if strongest is not None and event is not None:
            event.last = at
            if strongest.score > event.strongest.score:
                event.strongest = strongest
        elif strongest is not None:
            self._begin(strongest, at)
        elif event is not None and at - event.last >= QUIET:
            self._end_event()

    def _begin(self, strongest: Moving, at: float) -> None:
        delay = min(MAX_DELAY, max(0.0, self._monotonic() - strongest.since))
        began = time.time() - delay
        id = new_event_id(began)
        self._event = _Current(id, strongest, at)
        if self._settings.record:  # first, so that hooks for the motion know the recording
            self._held.hold(id, before=self._settings.before + delay)
        if self._event is not None:
            self._events.publish(self._changed("begin", began))

    def _end_event(self) -> None:
        event = self._event
        self.score = 0.0
        self.moving = []
        if event is None:
            return
        quiet = max(0.0, self._monotonic() - event.last)
        changed = self._changed("end", time.time() - quiet)
        self._event = None
        self._held.release_later(event.id, max(0.0, self._settings.after - quiet))
        self._events.publish(changed)

    def _changed(self, state: Literal["begin", "end"], at: float) -> MotionChanged:
        assert self._event is not None
        found = self._event.strongest
        camera, event = self._camera.name, self._event.id
        return MotionChanged(camera, state, event, found.score, found.box, found.zone, round(at, 3))

    def _on_lost(self) -> None:
        self._end_event()
        self._fault = None

    def _on_fault(self, fault: PictureFault | None) -> None:
        if fault == self._fault:
            return
        self._fault = fault
        if fault is None:
            log.info("{camera} shows a picture again", camera=self._camera.name)
            return
        reason = _FAULTS[fault]
        log.warn("{camera}: {reason}", camera=self._camera.name, reason=reason)
        self._camera.note_fault(reason)
        self._events.publish(Fault(self._camera.name, fault, reason))
