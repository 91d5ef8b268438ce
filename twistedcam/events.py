"""What happened, told to all who want to know, in the order in which it happened."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from twisted.logger import Logger

log = Logger()

#: Stands in the reason of a camera that is recovering because other settings were asked for.
OPENED_ANEW = "it is opened anew"


@dataclass(frozen=True)
class Event:
    """Something that happened; ``kind`` is its word in ``watch`` and in the event stream."""

    kind: ClassVar[str] = "event"

    def as_dict(self, title: str | None = None) -> dict[str, Any]:
        """The event's fields, those that are None left out.

        Arguments:
            title: of the camera that it is about, if that has one; it is told as ``title``.
        """
        told = {each.name: getattr(self, each.name) for each in fields(self)} | {"title": title}
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True)
class CameraChanged(Event):
    """A camera is in another state, or in the same one for another reason."""

    kind = "state"
    camera: str
    state: str
    reason: str | None = None
    width: int = 0
    height: int = 0
    fps: float = 0.0


@dataclass(frozen=True)
class PropertiesChanged(Event):
    """Properties of a camera were set: ``properties`` are those, with what holds now."""

    kind = "properties"
    camera: str
    properties: dict[str, Any]


@dataclass(frozen=True)
class RecordingChanged(Event):
    """A recording was ``started``, ``finished``, or ``failed``, or something came of a file.

    It is ``waiting`` for its first picture, for a reason, and ``writing`` when that has come.
    One of a recording's several files is whole (``segment``); the pre-roll was ``saved``, or a
    ``snapshot`` written; what a killed server left was ``recovered``; one was ``deleted``.
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


@dataclass(frozen=True)
class PublishChanged(Event):
    """What is published to a target is in another state; ``url`` has no keys in it."""

    kind = "publish"
    camera: str
    target: str
    state: str
    reason: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class ViewerChanged(Event):
    """Somebody ``joined`` or ``left``."""

    kind = "viewer"
    camera: str
    what: str
    viewer: int
    address: str
    protocol: str


@dataclass(frozen=True)
class Processed(Event):
    """User code has found something in a frame: ``data`` is what it told, as JSON has it."""

    kind = "process"
    camera: str
    source: str
    seq: int
    time: float
    data: Any


@dataclass(frozen=True)
class Fault(Event):
    """Something went wrong, and the program went on."""

    kind = "fault"
    camera: str | None
    code: str
    reason: str


Listener = Callable[[Event], None]


class EventBus:
    """One for a server. A listener must return at once; one that raises loses nobody else's event.

    Nothing is kept for a listener: one that passes events on to somebody slow has to bound what
    waits. An event that a listener causes is delivered after the one that it heard, to all.
    """

    def __init__(self) -> None:
        self._listeners: dict[object, Listener] = {}
        self._waiting: deque[Event] = deque()
        self._is_telling = False

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear all events from now on; call what is returned to hear no more."""
        subscription = object()
        self._listeners[subscription] = listener

        def unsubscribe() -> None:
            self._listeners.pop(subscription, None)

        return unsubscribe

    def publish(self, event: Event) -> None:
        """Tell all listeners."""
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
                continue  # it was taken out by a listener before it
            try:
                listener(event)
            except Exception:
                log.failure("a listener failed on {event!r}", event=event)
