"""Recordings that run at the times of a schedule: the setting ``when``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime

from twistedcam.camera import Camera
from twistedcam.errors import CommandError, DiskError, RecordingFailed
from twistedcam.events import CameraChanged, Event, EventBus, Fault
from twistedcam.recording.held_recording import HeldRecording
from twistedcam.recording.recorder import Recorder
from twistedcam.runtime.timer import Timer

REASON = "schedule"
_MINUTE = 60.0


@dataclass
class _Scheduled:
    """The recording of one camera; ``is_on`` while the schedule covers the time."""

    held: HeldRecording
    is_on: bool = False


class RecordingSchedules:
    """Begins and ends the recordings of cameras whose settings have ``when``, on the minute.

    A recording that a person has stopped begins again with the next time of the schedule. One that
    a disk error has ended is tried again each minute.

    Arguments:
        events: changes of the cameras.
        clock: measures the time to the next minute.
        channels: returns the cameras and their recorders by name.
    """

    def __init__(
        self,
        events: EventBus,
        clock: IReactorTime,
        channels: Callable[[], Mapping[str, tuple[Camera, Recorder]]],
    ) -> None:
        self._events = events
        self._clock = clock
        self._channels = channels
        self._timer = Timer(clock)
        self._scheduled: dict[str, _Scheduled] = {}
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Follow the schedules from now on."""
        self._unsubscribe = self._events.subscribe(self._on_event)
        self._tick()

    def stop(self) -> None:
        """End the recordings."""
        self._timer.cancel()
        self._unsubscribe()
        for each in self._scheduled.values():
            each.held.release()
        self._scheduled.clear()

    def check(self) -> None:
        """Begin and end recordings as the schedules say for now."""
        now, channels = time.time(), self._channels()
        for name in self._scheduled.keys() - channels.keys():
            self._scheduled.pop(name).held.release()
        for name, (camera, recorder) in channels.items():
            self._check(name, camera, recorder, now)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, CameraChanged) and self._timer.is_pending:
            self.check()

    def _tick(self) -> None:
        self.check()
        # A clock that is set, or changed to summer time, is noticed within a minute.
        self._timer.start(_MINUTE - time.time() % _MINUTE + 0.01, self._tick)

    def _check(self, name: str, camera: Camera, recorder: Recorder, now: float) -> None:
        when = recorder.settings.when
        scheduled = self._scheduled.get(name)
        if scheduled is None or scheduled.held.recorder is not recorder:
            if when is None:
                return
            held = HeldRecording(recorder, REASON, self._clock, lambda e: self._fault(name, e))
            scheduled = self._scheduled[name] = _Scheduled(held)
        if when is None or not when.covers(now):
            if scheduled.is_on:
                scheduled.is_on = False
                scheduled.held.release()
            return
        is_camera_on = camera.state != "stopped" or camera.is_idle
        has_failed = recorder.state == "idle" and isinstance(
            recorder.failure, DiskError | RecordingFailed
        )
        if is_camera_on and (not scheduled.is_on or has_failed):
            scheduled.is_on = True
            scheduled.held.hold(name)

    def _fault(self, camera: str, error: CommandError) -> None:
        self._events.publish(Fault(camera, error.code, str(error)))
