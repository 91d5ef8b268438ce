"""Selects the events to show as notifications, and their texts."""

from __future__ import annotations

from typing import Any, NamedTuple

from tray.menu import duration
from twistedcam.events import REOPENED


class Notice(NamedTuple):
    """A notification."""

    title: str
    text: str


class NotificationFilter:
    """Converts events to notifications. Remembers lost cameras, to report their return.

    A loss is reported once, even if the camera fails again at each retry. A camera that is
    reopened with other settings is not lost.
    """

    def __init__(self) -> None:
        self._lost: set[str] = set()

    def of(self, event: dict[str, Any]) -> Notice | None:
        """Return the notification for an event of ``watch``, or None."""
        camera = str(event.get("camera", ""))
        shown = str(event.get("title") or camera)
        match event.get("event"), event.get("what"), event.get("state"):
            case "recording", ("finished" | "saved") as what, _:
                seconds = duration(float(event.get("seconds") or 0))
                return Notice(f"Recording {what}", f"{event.get('name')} ({seconds})")
            case "recording", "waiting", _:
                text = f"{event.get('name')}: {event.get('reason')}"
                return Notice("The recording waits for a picture", text)
            case "recording", "failed", _:
                full = event.get("code") == "disk"
                title = "Recording ended: the disk" if full else "Recording failed"
                return Notice(title, f"{event.get('name')}: {event.get('reason')}")
            case "state", _, "recovering" if camera not in self._lost:
                reason = str(event.get("reason") or "no picture")
                if REOPENED not in reason:
                    self._lost.add(camera)
                    return Notice(f"{shown}: camera lost", reason)
            case "state", _, "live" if camera in self._lost:
                self._lost.discard(camera)
                return Notice(f"{shown}: camera back", "It is live again.")
            case "state", _, "stopped":
                self._lost.discard(camera)
            case "fault", _, _ if event.get("code") == "disk":
                return Notice(f"{shown or 'Server'}: disk", str(event.get("reason")))
        return None

    def seen(
        self, name: str, state: str, reason: str | None = None, title: str = ""
    ) -> Notice | None:
        """Return notifications for a state after reconnecting: only what has changed."""
        event = {"event": "state", "camera": name, "state": state, "reason": reason}
        told = self.of({**event, "title": title})
        return None if state == "recovering" else told
