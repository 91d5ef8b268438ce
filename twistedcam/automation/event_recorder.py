"""Keeps the server's events: motion, what user code found, states, faults, recordings, hooks."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from twistedcam.automation.event_store import EventStore, StoredEvent
from twistedcam.errors import TwistedcamError
from twistedcam.events import (
    CameraChanged,
    DetectionChanged,
    Event,
    EventBus,
    Fault,
    HookChanged,
    MotionChanged,
    RecordingChanged,
    new_event_id,
)
from twistedcam.media.frame import Frame

log = Logger()

#: Seconds between two looks for a better picture of an event that lasts.
PERIOD = 1.0
#: Looks after which it is written that an event still lasts, in case the server is killed.
_SEEN_EVERY = 5
#: Changes of recordings that are events without a duration.
_MOMENTS = frozenset({"saved", "recovered"})
_ENDS = frozenset({"finished", "failed"})


@dataclass
class _Lasting:
    """A motion or something that user code found, which has not ended yet."""

    stored: StoredEvent
    #: The score of the best picture so far.
    best: float = 0.0
    #: A better picture than the one that is kept, which is not written yet.
    better: bytes | None = None
    is_first: bool = True
    #: Fires when the first picture was taken, or cannot be.
    taken: Deferred[None] = field(default_factory=Deferred)


class EventRecorder:
    """Keeps events in a store, from ``start`` to ``stop``.

    Arguments:
        events: the events.
        store: keeps them.
        clock: measures the time between pictures.
        picture: returns the newest frame of a camera; raises a TwistedcamError if there is none.
        score: returns the present strength of the motion on a camera, or None if it is unknown.
        recording: returns the name of the recording that is running on a camera, or None.
    """

    def __init__(
        self,
        events: EventBus,
        store: EventStore,
        clock: IReactorTime,
        picture: Callable[[str], Awaitable[Frame]],
        score: Callable[[str], float | None],
        recording: Callable[[str], str | None],
    ) -> None:
        self._events = events
        self._store = store
        self._picture = picture
        self._score = score
        self._recording = recording
        self._unsubscribe: Callable[[], None] | None = None
        self._loop = LoopingCall(self._look)
        self._loop.clock = clock
        self._looks = 0
        #: Events that last, by their IDs.
        self._lasting: dict[str, _Lasting] = {}
        #: IDs of events about recordings and lost cameras that last, by camera.
        self._recordings: dict[str, StoredEvent] = {}
        self._losses: dict[str, str] = {}
        #: The cameras whose recording has several files.
        self._in_segments: set[str] = set()
        self._states: dict[str, str] = {}
        #: Called with an event and its JPEG whenever its picture is kept.
        self.on_picture: Callable[[StoredEvent, bytes], None] = lambda event, jpeg: None

    def start(self) -> None:
        """Keep all events from now on."""
        if self._unsubscribe is None:
            self._store.end_unfinished()
            self._unsubscribe = self._events.subscribe(self._on_event)

    def stop(self) -> None:
        """End the events that last, and keep no more."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
            now = time.time()
            unfinished = [*self._lasting, *self._losses.values()]
            for lasting in self._lasting.values():
                self._write_better(lasting)
            for id in [*unfinished, *(each.id for each in self._recordings.values())]:
                self._store.update(id, end=now, seen=now)
            self._lasting.clear()
        if self._loop.running:
            self._loop.stop()

    def _on_event(self, event: Event) -> None:
        match event:
            case MotionChanged() | DetectionChanged():
                self._on_motion(event)
            case CameraChanged():
                self._on_state(event)
            case RecordingChanged():
                self._on_recording(event)
            case Fault():
                self._add(event.camera, "fault", event.code, event.reason)
            case HookChanged(state="succeeded" | "failed"):
                reason = event.hook if event.reason is None else f"{event.hook}: {event.reason}"
                self._add(event.camera, "hook", event.state, reason)

    def _add(
        self,
        camera: str | None,
        kind: str,
        what: str | None,
        reason: str | None = None,
        *,
        lasts: bool = False,
    ) -> StoredEvent:
        now = time.time()
        running = None if camera is None or kind == "recording" else self._recording(camera)
        end = None if lasts else now
        stored = StoredEvent(
            new_event_id(now), camera, kind, what, now, end, recording=running, reason=reason
        )
        self._store.add(stored)
        return stored

    def _on_state(self, event: CameraChanged) -> None:
        if self._states.get(event.camera) == event.state:
            return  # only the reason or the size has changed
        self._states[event.camera] = event.state
        now = time.time()
        lost = self._losses.pop(event.camera, None)
        if lost is not None:
            self._store.update(lost, end=now, seen=now)
        is_lost = event.state == "recovering"
        stored = self._add(event.camera, "state", event.state, event.reason, lasts=is_lost)
        if is_lost:
            self._losses[event.camera] = stored.id

    def _on_recording(self, event: RecordingChanged) -> None:
        if event.what == "deleted":
            self._store.forget_recording(event.name, event.camera if event.expired else "")
        elif event.what == "renamed":
            if event.before is not None:
                self._store.rename_recording(event.before, event.name)
        elif event.what == "started":
            stored = self._add(event.camera, "recording", "started", lasts=True)
            stored.recording = event.name
            self._recordings[event.camera] = stored
            self._in_segments.discard(event.camera)
            self._store.update(stored.id, recording=event.name)
            for each in self._lasting.values():
                if each.stored.camera == event.camera and each.stored.recording is None:
                    each.stored.recording = event.name
                    self._store.update(each.stored.id, recording=event.name)
        elif event.what == "segment":
            self._in_segments.add(event.camera)
        elif event.what in _ENDS:
            now = time.time()
            began = self._recordings.pop(event.camera, None)
            if began is not None and began.recording is not None:
                if event.camera not in self._in_segments and event.name != began.recording:
                    self._store.rename_recording(began.recording, event.name)
                values = {"what": event.what, "reason": event.reason, "end": now, "seen": now}
                self._store.update(began.id, **values)
        elif event.what in _MOMENTS:
            stored = self._add(event.camera, "recording", event.what)
            self._store.update(stored.id, recording=event.name)

    def _on_motion(self, event: MotionChanged | DetectionChanged) -> None:
        now = time.time()
        at = event.time if isinstance(event, MotionChanged) and event.time is not None else now
        if event.state == "begin":
            stored = StoredEvent(
                event.event,
                event.camera,
                event.what if isinstance(event, DetectionChanged) else event.kind,
                event.kind if isinstance(event, DetectionChanged) else None,
                at,
                score=event.score,
                zone=event.zone,
                recording=self._recording(event.camera),
            )
            self._store.add(stored)
            self._lasting[event.event] = lasting = _Lasting(stored, event.score or 0.0)
            self._take_picture(lasting)
            if not self._loop.running:
                self._loop.start(PERIOD, now=False)
            return
        ended = self._lasting.pop(event.event, None)
        if ended is not None:
            self._write_better(ended)
        values: dict[str, Any] = {"end": at, "seen": now}
        if event.score is not None:
            values["score"] = max(event.score, 0.0 if ended is None else ended.best)
        if event.zone is not None:
            values["zone"] = event.zone
        self._store.update(event.event, **values)
        if not self._lasting and self._loop.running:
            self._loop.stop()

    def improve(self, id: str, score: float) -> None:
        """Replace the picture and the score of an event that lasts, if this score is greater."""
        lasting = self._lasting.get(id)
        if lasting is not None and score > lasting.best:
            lasting.best = score
            self._take_picture(lasting)

    def pictured(self, id: str) -> Deferred[None]:
        """Return a Deferred that fires when an event that lasts has a picture.

        It may not be on the disk yet.
        """
        lasting = self._lasting.get(id)
        if lasting is None:
            return succeed(None)
        done: Deferred[None] = Deferred()

        def on_taken(result: None) -> None:
            done.callback(result)

        lasting.taken.addCallback(on_taken)
        return done

    def _look(self) -> None:
        """Take better pictures of motions that last, and write those that were taken."""
        self._looks += 1
        for id, each in list(self._lasting.items()):
            self._write_better(each)
            if self._looks % _SEEN_EVERY == 0:
                self._store.update(id, seen=time.time())
            if each.stored.kind != MotionChanged.kind or each.stored.camera is None:
                continue
            score = self._score(each.stored.camera)
            if score is not None:
                self.improve(id, score)

    def _take_picture(self, lasting: _Lasting) -> None:
        stored = lasting.stored
        assert stored.camera is not None
        taking = Deferred.fromCoroutine(self._take(lasting, stored.camera))
        taking.addErrback(lambda why: log.failure("an event has no picture", failure=why))
        taking.addCallback(lambda _: None if lasting.taken.called else lasting.taken.callback(None))

    async def _take(self, lasting: _Lasting, camera: str) -> None:
        try:
            frame = await self._picture(camera)
        except TwistedcamError as error:
            log.warn("an event of {camera} has no picture: {why}", camera=camera, why=str(error))
            return
        lasting.better = frame.jpeg
        # User code may tell a better score with every frame: the disk gets one picture a second.
        if lasting.is_first or lasting.stored.id not in self._lasting:
            lasting.is_first = False
            self._write_better(lasting)

    def _write_better(self, lasting: _Lasting) -> None:
        jpeg, lasting.better = lasting.better, None
        if jpeg is not None:
            self._store.add_picture(lasting.stored.id, jpeg)
            if lasting.best:
                self._store.update(lasting.stored.id, score=lasting.best)
            self.on_picture(lasting.stored, jpeg)
