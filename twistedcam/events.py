"""Events of the server, delivered to all listeners in the order in which they happened."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

#: Part of the reason of a camera that is recovering because its settings were changed.
REOPENED = "it is opened anew"


@dataclass(frozen=True)
class Event:
    """An event. ``kind`` is its name in ``watch`` and in the event stream."""

    kind: ClassVar[str] = "event"

    def as_dict(self, title: str | None = None) -> dict[str, Any]:
        """Return the event's fields, without those that are None.

        Arguments:
            title: the title of its camera, if it has one.
        """
        values = {each.name: getattr(self, each.name) for each in fields(self)} | {"title": title}
        return {name: value for name, value in values.items() if value is not None}

    def as_json(self, title: str | None = None) -> dict[str, Any]:
        """Return the event as the JSON object that all ports send.

        Its ``event`` is the kind. The ID of a motion, which is its field ``event``, is ``id``.
        """
        found = self.as_dict(title)
        if "event" in found:
            found["id"] = found.pop("event")
        return {"event": self.kind, **found}


@dataclass(frozen=True)
class CameraChanged(Event):
    """A camera's state or its reason has changed."""

    kind = "state"
    camera: str
    state: str
    reason: str | None = None
    width: int = 0
    height: int = 0
    fps: float = 0.0


@dataclass(frozen=True)
class PropertiesChanged(Event):
    """Properties of a camera were set. ``properties`` has their new values."""

    kind = "properties"
    camera: str
    properties: dict[str, Any]


@dataclass(frozen=True)
class RecordingChanged(Event):
    """A recording or a file of it has changed.

    ``what`` is ``started``, ``waiting`` (for the first frame, with a reason), ``writing`` (the
    first frame has come), ``segment`` (one of several files is complete), ``finished``,
    ``failed``, ``saved`` (the pre-roll, an export or a timelapse of recordings), ``snapshot``,
    ``recovered`` (after a crash), ``rendering`` (a timelapse of recordings),
    ``protected``, ``unprotected``, ``renamed`` (``before`` is its old name) or ``deleted``
    (``expired`` is True if that was because of a limit). ``camera`` is empty if a file does not
    tell its camera.
    """

    kind = "recording"
    camera: str
    what: str
    name: str
    frames: int | None = None
    seconds: float | None = None
    bytes: int | None = None
    dropped: int | None = None
    code: str | None = None
    reason: str | None = None
    before: str | None = None
    expired: bool | None = None


@dataclass(frozen=True)
class PublishChanged(Event):
    """The state of a publish target has changed. ``url`` contains no keys."""

    kind = "publish"
    camera: str
    target: str
    state: str
    reason: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class ViewerChanged(Event):
    """A viewer ``joined`` or ``left``."""

    kind = "viewer"
    camera: str
    what: str
    viewer: int
    address: str
    protocol: str


@dataclass(frozen=True)
class Processed(Event):
    """A result of user code for a frame. ``data`` is a JSON value."""

    kind = "process"
    camera: str
    source: str
    seq: int
    time: float
    data: Any


@dataclass(frozen=True)
class MotionChanged(Event):
    """Motion on a camera has begun or ended.

    Arguments:
        event: the ID of this motion, the same at its begin and its end (see new_event_id).
        score: the strength of the motion, from 0 to 100; at the end the greatest.
        box: the place of the motion as shares of the picture: x, y, width, height.
        zone: the name of the zone, if there are zones.
        time: UNIX seconds of the first, at the end of the last picture with this motion. The event
            itself comes a little later.
    """

    kind = "motion"
    camera: str
    state: Literal["begin", "end"]
    event: str
    score: float | None = None
    box: tuple[float, float, float, float] | None = None
    zone: str | None = None
    time: float | None = None


@dataclass(frozen=True)
class DetectionChanged(Event):
    """User code has found something, or finds it no longer.

    Arguments:
        what: the name for it that the user code gives, such as ``cat``.
        event, score, box, zone: as of MotionChanged; score, box and zone are the user code's.
    """

    kind = "detection"
    camera: str
    what: str
    state: Literal["begin", "end"]
    event: str
    score: float | None = None
    box: tuple[float, float, float, float] | None = None
    zone: str | None = None


@dataclass(frozen=True)
class HookChanged(Event):
    """A hook was run.

    Arguments:
        hook: its name.
        state: ``succeeded``, ``retrying`` (it has failed and will be run again) or ``failed``.
        cause: the event that it was run for, such as ``motion:begin``.
        attempts: the number of runs for this event so far.
        reason: why it has failed; without secrets.
    """

    kind = "hook"
    camera: str | None
    hook: str
    state: Literal["succeeded", "retrying", "failed"]
    cause: str
    attempts: int
    reason: str | None = None


@dataclass(frozen=True)
class SoundChanged(Event):
    """A camera's sound was muted or is not muted any more, or its microphone has another state.

    Arguments:
        state: ``muted``, ``off`` (none is wanted), ``live``, and of a microphone ``starting``,
            ``silent`` (it is open, and gives silence only) or ``recovering``.
        muted: True while silence takes the place of the sound.
        reason: why a microphone is silent or recovering.
    """

    kind = "sound"
    camera: str
    state: str
    muted: bool
    reason: str | None = None


@dataclass(frozen=True)
class Fault(Event):
    """An error that did not stop the program."""

    kind = "fault"
    camera: str | None
    code: str
    reason: str


def new_event_id(now: float) -> str:
    """Return a new ID: 16 hexadecimal digits, in the order of time, unique over restarts.

    Arguments:
        now: the time in UNIX seconds.
    """
    return f"{int(now * 1000):012x}{secrets.token_hex(2)}"


Listener = Callable[[Event], None]


class EventBus:
    """Delivers events to listeners. A server has one.

    A listener must return at once. If it raises, the others still get the event. The bus keeps no
    events: a listener that sends them to a slow client must bound its own queue. An event that a
    listener publishes is delivered to all after the current one.
    """

    def __init__(self) -> None:
        self._listeners: dict[object, Listener] = {}
        self._waiting: deque[Event] = deque()
        self._is_telling = False

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Add a listener for all events. Call the result to remove it."""
        subscription = object()
        self._listeners[subscription] = listener

        def unsubscribe() -> None:
            self._listeners.pop(subscription, None)

        return unsubscribe

    def publish(self, event: Event) -> None:
        """Deliver an event to all listeners."""
        self._waiting.append(event)
        if self._is_telling:
            return
        self._is_telling = True
        try:
            while self._waiting:
                self._tell(self._waiting.popleft())
        finally:
            self._is_telling = False

    def _tell(self, event: Event) -> None:
        for subscription, listener in tuple(self._listeners.items()):
            if subscription not in self._listeners:
                continue  # a listener before it has removed it
            try:
                listener(event)
            except Exception:
                # Imported late: clients, such as 'twistedcam ctl', need the events' names only.
                from twisted.logger import Logger

                Logger().failure("a listener failed for {event!r}", event=event)
