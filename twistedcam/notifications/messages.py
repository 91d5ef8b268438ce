"""The events that become notifications, and what the notifications say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from twistedcam.events import (
    DetectionChanged,
    Event,
    Fault,
    MotionChanged,
    RecordingChanged,
)
from twistedcam.net.urls import without_secrets

#: Characters of a text at most: a push service takes 4,096 bytes of encrypted data.
_MAX_TEXT = 200
#: Seconds for which a push service keeps a message while the device is off.
_MOTION_TTL, _FAULT_TTL = 600, 86400


@dataclass(frozen=True)
class PushMessage:
    """A notification, before it is encrypted for a device.

    Arguments:
        kind: ``motion``, ``detection``, ``lost``, ``back``, ``recording``, ``fault`` or ``test``.
        camera: the camera's name; None if it is about the server.
        title: the camera's title, if it has one.
        time: seconds since the UNIX epoch.
        what: what user code has found, or the code of a fault.
        zone: the zone of a motion.
        reason: the reason of a fault.
        event: the ID of an event that has a picture.
    """

    kind: str
    camera: str | None
    title: str | None
    time: float
    what: str | None = None
    zone: str | None = None
    reason: str | None = None
    event: str | None = None

    @property
    def group(self) -> Literal["motion", "faults"]:
        """The setting of a device that it belongs to."""
        return "motion" if self.kind in ("motion", "detection") else "faults"

    @property
    def ttl(self) -> int:
        """Seconds after which it is of no use."""
        return _MOTION_TTL if self.group == "motion" else _FAULT_TTL

    @property
    def topic(self) -> str:
        """A newer message with the same one replaces this one, on the device too."""
        return " ".join(filter(None, (self.kind, self.camera, self.what)))

    def data(self, language: str) -> bytes:
        """Return the JSON for the service worker of the page, which makes the text of it.

        All addresses are relative to that of the page.
        """
        content: dict[str, Any] = {
            "kind": self.kind,
            "camera": self.camera,
            "title": _short(self.title or self.camera),
            "time": round(self.time, 3),
            "what": _short(self.what),
            "zone": _short(self.zone),
            "reason": _short(self.reason),
            "topic": self.topic,
            "language": language,
            "url": "./" if self.camera is None else f"./#{quote(self.camera, safe='')}",
        }
        if self.event is not None:
            content["image"] = f"api/v1/events/{self.event}/snapshot"
        kept = {name: value for name, value in content.items() if value is not None}
        return json.dumps(kept, ensure_ascii=False).encode()


def message_of(event: Event, title: str | None, now: float) -> PushMessage | None:
    """Return the notification about an event; None if there is none.

    Lost cameras are not found here: a camera that is back at once is no news.

    Arguments:
        title: the title of its camera, or None.
        now: seconds since the UNIX epoch.
    """
    match event:
        case MotionChanged(state="begin"):
            return PushMessage(
                "motion", event.camera, title, now, zone=event.zone, event=event.event
            )
        case DetectionChanged(state="begin"):
            return PushMessage(
                "detection", event.camera, title, now, event.what, event.zone, event=event.event
            )
        case RecordingChanged(what="failed"):
            return PushMessage("recording", event.camera, title, now, reason=event.reason)
        case Fault():
            return PushMessage("fault", event.camera, title, now, event.code, reason=event.reason)
    return None


def _short(text: str | None) -> str | None:
    if text is None:
        return None
    shown = without_secrets(text)
    return shown if len(shown) <= _MAX_TEXT else shown[: _MAX_TEXT - 1] + "…"
