"""The parts of a server that keep events and act on them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from twistedcam.automation.database import Database
from twistedcam.automation.detections import Detections
from twistedcam.automation.event_recorder import EventRecorder
from twistedcam.automation.event_store import EventStore
from twistedcam.automation.hook_runner import HookRunner
from twistedcam.automation.recording_schedules import RecordingSchedules
from twistedcam.camera import Camera
from twistedcam.errors import NoSuchCamera
from twistedcam.events import Event, EventBus, Fault
from twistedcam.media.frame import Frame
from twistedcam.recording.library.retention import RetentionLimits
from twistedcam.recording.recorder import Recorder
from twistedcam.runtime.threads import Thread

log = Logger()

#: Seconds between two deletions of old events.
PRUNE_PERIOD = 3600.0
_DAY = 86400.0


class Automation:
    """Keeps a server's events, runs hooks for them, and records by schedules and user code.

    Arguments:
        folder: the recordings folder.
        events: the server's events.
        clock: measures the time.
        make_thread: returns a new thread.
        channels: returns the cameras and their recorders by name.
        limits: returns the limits of recordings, which apply to events too, and the cameras
            that they are for (None: all).
        check: raises DiskError if the folder must not be used now.
        title: returns the title of an event's camera, or None.
        score: returns the score of what moves on a camera now; None if there is no such camera.
    """

    def __init__(
        self,
        folder: Path,
        events: EventBus,
        clock: IReactorTime,
        make_thread: Callable[[], Thread],
        *,
        channels: Callable[[], Mapping[str, tuple[Camera, Recorder]]],
        limits: Callable[[], Iterable[tuple[RetentionLimits, frozenset[str] | None]]],
        check: Callable[[], None],
        title: Callable[[Event], str | None],
        score: Callable[[str], float | None],
    ) -> None:
        self._channels = channels
        self._limits = limits
        self._database = Database(
            folder,
            make_thread,
            clock,
            lambda reason: events.publish(Fault(None, "disk", reason)),
            check,
        )
        self.store = EventStore(folder, self._database, make_thread)
        self.recorder = EventRecorder(
            events, self.store, clock, self._picture, score, self._recording
        )
        self._detections = Detections(events, clock, self._recorder, self.recorder.improve)
        self.schedules = RecordingSchedules(events, clock, channels)
        self.hooks = HookRunner(
            folder,
            events,
            self._database,
            clock,
            make_thread,
            title,
            self._recording,
            self.recorder.pictured,
        )
        self._pruning = LoopingCall(self._prune)
        self._pruning.clock = clock

    def start(self) -> None:
        """Keep events, and act on them, from now on."""
        self.recorder.start()
        self._detections.start()
        self.hooks.start()
        self.schedules.start()
        if not self._pruning.running:
            self._pruning.start(PRUNE_PERIOD)

    def release_recordings(self) -> None:
        """Hold no recordings and begin no hooks any more: the server stops."""
        self._detections.stop()
        self.schedules.stop()
        self.hooks.hold()

    async def stop(self) -> None:
        """End hooks, and keep the last events."""
        self.hooks.stop()
        self.recorder.stop()
        if self._pruning.running:
            self._pruning.stop()
        await self._database.close()

    def _prune(self) -> None:
        now = time.time()
        times: dict[str, float] = {}
        other: float | None = None
        for limits, cameras in self._limits():
            if limits.keep_days is None:
                continue
            before = now - limits.keep_days * _DAY
            if cameras is None:
                other = before
            else:
                times.update(dict.fromkeys(cameras, before))
        if times or other is not None:
            self.store.delete_before(times, other)

    async def _picture(self, name: str) -> Frame:
        channel = self._channels().get(name)
        if channel is None:
            raise NoSuchCamera(f"there is no camera {name!r} any more")
        return await channel[0].picture()

    def _recorder(self, name: str) -> Recorder | None:
        channel = self._channels().get(name)
        return None if channel is None else channel[1]

    def _recording(self, name: str) -> str | None:
        recorder = self._recorder(name)
        return None if recorder is None else recorder.name
