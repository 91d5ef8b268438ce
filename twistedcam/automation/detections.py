"""Events and recordings by user code: a result ``{"event": "begin", "kind": "cat"}``."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.interfaces import IReactorTime

from twistedcam.events import (
    CameraChanged,
    DetectionChanged,
    Event,
    EventBus,
    Fault,
    Processed,
    new_event_id,
)
from twistedcam.recording.held_recording import HeldRecording
from twistedcam.recording.recorder import Recorder

#: Seconds for which a recording goes on after the end of what was found.
AFTER = 10.0
#: Things that one user code may have found at the same time.
MAX_OPEN = 100
_KIND = re.compile(r"\w[\w-]{0,39}")


class BadDetection(ValueError):
    """A result of user code names an event in a wrong way."""


@dataclass
class _Open:
    """Something that was found, until its end."""

    began: DetectionChanged
    score: float | None
    held: HeldRecording | None = field(default=None, repr=False)


class Detections:
    """Makes events and recordings of the results of user code, from ``start`` to ``stop``.

    The events are those of the camera that the code reads, which is also recorded.

    Arguments:
        events: has the results, and gets the events.
        clock: measures the time for which a recording goes on.
        recorder: returns the recorder of a camera, or None if there is no such camera.
        on_better: called with the ID of an event and a score when that is greater than before.
    """

    def __init__(
        self,
        events: EventBus,
        clock: IReactorTime,
        recorder: Callable[[str], Recorder | None],
        on_better: Callable[[str, float], None],
    ) -> None:
        self._events = events
        self._clock = clock
        self._recorder = recorder
        self._on_better = on_better
        self._unsubscribe: Callable[[], None] = lambda: None
        #: What was found, by the camera that user code makes and by its kind.
        self._open: dict[tuple[str, str], _Open] = {}
        self._held: dict[str, HeldRecording] = {}
        #: Errors that were reported, by the camera that user code makes.
        self._reported: set[tuple[str, str]] = set()

    def start(self) -> None:
        """Follow the results from now on."""
        self._unsubscribe = self._events.subscribe(self._on_event)

    def stop(self) -> None:
        """End all that was found, and release the recordings."""
        self._unsubscribe()
        self._unsubscribe = lambda: None
        for key in list(self._open):
            self._end(key)
        for held in self._held.values():
            held.release()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Processed):
            for each in event.data if isinstance(event.data, list) else [event.data]:
                if isinstance(each, dict) and each.get("event") in ("begin", "end"):
                    self._on_result(event, each)
        elif isinstance(event, CameraChanged) and event.state in ("stopped", "recovering"):
            for key in [key for key in self._open if key[0] == event.camera]:
                self._end(key)  # the code has ended, has crashed, or gets no pictures

    def _on_result(self, result: Processed, data: dict[str, Any]) -> None:
        try:
            self._follow(result, data)
        except BadDetection as error:
            key = (result.camera, str(error))
            if key not in self._reported:
                self._reported.add(key)
                self._events.publish(Fault(result.camera, "process", str(error)))

    def _follow(self, result: Processed, data: dict[str, Any]) -> None:
        what, state = _kind(data), data["event"]
        key, score = (result.camera, what), _score(data)
        known = self._open.get(key)
        if state == "end":
            if known is not None:
                self._end(key, score)
            return
        if known is not None:
            if score is not None and (known.score is None or score > known.score):
                known.score = score
                self._on_better(known.began.event, score)
            return
        if len(self._open) >= MAX_OPEN:
            raise BadDetection(f"there are {MAX_OPEN} events that have not ended")
        began = DetectionChanged(
            result.source, what, "begin", new_event_id(time.time()), score, _box(data), _zone(data)
        )
        self._open[key] = _Open(began, score)
        if data.get("record", True):  # first, so that hooks for it know the recording
            self._open[key].held = held = self._hold(result.source)
            if held is not None:
                held.hold(began.event)
        self._events.publish(began)

    def _end(self, key: tuple[str, str], score: float | None = None) -> None:
        found = self._open.pop(key)
        began = found.began
        scores = [each for each in (score, found.score) if each is not None]
        best = max(scores, default=None)
        self._events.publish(
            DetectionChanged(
                began.camera, began.what, "end", began.event, best, began.box, began.zone
            )
        )
        if found.held is not None:
            found.held.release_later(began.event, AFTER)

    def _hold(self, camera: str) -> HeldRecording | None:
        recorder = self._recorder(camera)
        if recorder is None:
            return None
        held = self._held.get(camera)
        if held is None or held.recorder is not recorder:  # the camera was added again
            held = self._held[camera] = HeldRecording(
                recorder,
                "process",
                self._clock,
                lambda error: self._events.publish(Fault(camera, error.code, str(error))),
            )
        return held


def _kind(data: dict[str, Any]) -> str:
    kind = data.get("kind")
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise BadDetection(
            '"kind" has to be a word of at most 40 letters and digits, such as "cat"'
        )
    if kind in {each.kind for each in Event.__subclasses__()}:
        raise BadDetection(f'"kind" cannot be {kind!r}: that is an event of the server')
    return kind


def _score(data: dict[str, Any]) -> float | None:
    score = data.get("score")
    if score is None:
        return None
    if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
        raise BadDetection('"score" has to be a number')
    return float(score)


def _zone(data: dict[str, Any]) -> str | None:
    zone = data.get("zone")
    if zone is not None and (not isinstance(zone, str) or len(zone) > 100):
        raise BadDetection('"zone" has to be a string of at most 100 characters')
    return zone


def _box(data: dict[str, Any]) -> tuple[float, float, float, float] | None:
    box = data.get("box")
    if box is None:
        return None
    is_list = isinstance(box, list) and len(box) == 4
    if not is_list or not all(type(side) in (int, float) and 0 <= side <= 1 for side in box):
        raise BadDetection('"box" has to be [x, y, width, height], as shares of the picture')
    x, y, width, height = map(float, box)
    return x, y, width, height
