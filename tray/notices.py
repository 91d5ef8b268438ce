"""Selects the events to show as notifications, and their texts."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from tray.menu import Action, duration
from twistedcam.events import REOPENED

#: Seconds without the server before its loss is reported: a restart is shorter.
GRACE = 3.0


class Notice(NamedTuple):
    """A notification.

    Arguments:
        action: the action of a click on it, where the desktop reports clicks.
        label: the text of its button, where the desktop shows buttons.
    """

    title: str
    text: str
    action: Action | None = None
    label: str = ""


class NotificationFilter:
    """Converts events to notifications. Remembers what was lost, to report its return.

    A loss is reported once, even if the camera fails again at each retry. A camera that is
    reopened with other settings is not lost.
    """

    def __init__(self) -> None:
        self._lost: set[str] = set()
        self._server: Literal["unknown", "there", "lost", "reported"] = "unknown"
        self._server_lost_at = 0.0
        self._expects_end = False

    def of(self, event: dict[str, Any]) -> Notice | None:
        """Return the notification for an event of ``watch``, or None."""
        camera = str(event.get("camera", ""))
        shown = str(event.get("title") or camera)
        name = str(event.get("name"))
        show_camera = Action("page", (camera,) if camera else ())
        match event.get("event"), event.get("what"), event.get("state"):
            case "recording", ("finished" | "saved") as what, _:
                seconds = duration(float(event.get("seconds") or 0))
                return file_notice(f"Recording {what}", f"{name} ({seconds})", name)
            case "recording", "waiting", _:
                text = f"{name}: {event.get('reason')}"
                title = "The recording waits for a picture"
                return Notice(title, text, show_camera, "Show the camera")
            case "recording", "failed", _:
                full = event.get("code") == "disk"
                title = "Recording ended: the disk" if full else "Recording failed"
                text = f"{name}: {event.get('reason')}"
                return Notice(title, text, show_camera, "Show the camera")
            case "state", _, "recovering" if camera not in self._lost:
                why = str(event.get("reason") or "no picture")
                if REOPENED not in why:
                    self._lost.add(camera)
                    return Notice(f"{shown}: camera lost", why, show_camera, "Show the camera")
            case "state", _, "live" if camera in self._lost:
                self._lost.discard(camera)
                text = "It is live again."
                return Notice(f"{shown}: camera back", text, show_camera, "Show the camera")
            case "state", _, "stopped":
                self._lost.discard(camera)
            case "fault", _, _ if event.get("code") == "disk":
                title = f"{shown or 'Server'}: disk"
                return Notice(title, str(event.get("reason")), Action("page"), "Show the page")
        return None

    def seen(
        self, name: str, state: str, reason: str | None = None, title: str = ""
    ) -> Notice | None:
        """Return notifications for a state after reconnecting: only what has changed."""
        event = {"event": "state", "camera": name, "state": state, "reason": reason}
        notice = self.of({**event, "title": title})
        return None if state == "recovering" else notice

    def server(self, connected: bool, text: str, now: float, can_start: bool) -> Notice | None:
        """Return the notification that the server is lost, or back after that was reported.

        Arguments:
            text: the menu's first line: why there is no connection, or what the cameras do.
            now: seconds of a monotonic clock.
            can_start: True if the tray can start a server.
        """
        before = self._server
        if connected:
            self._server = "there"
            if before == "reported":
                return Notice("Camera server back", text, Action("page"), "Show the page")
        elif before == "there":
            self._server = "unknown" if self._expects_end else "lost"
            self._server_lost_at, self._expects_end = now, False
        elif before == "lost" and now - self._server_lost_at >= GRACE:
            self._server = "reported"
            action = Action("serve") if can_start else None
            return Notice("Camera server lost", text, action, "Start a server here")
        return None

    def expect_end(self) -> None:
        """Do not report the next loss: it was asked for, or is reported otherwise."""
        if self._server == "there":
            self._expects_end = True
        elif self._server == "lost":
            self._server = "unknown"


def file_notice(title: str, text: str, name: str) -> Notice:
    """Return a notification that opens a recording or a snapshot."""
    return Notice(title, text, Action("recording", (name,)), "Open")
