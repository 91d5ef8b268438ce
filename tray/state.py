"""What the tray knows of a server, as plain values made from the control port's answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from twistedcam.auth import RIGHTS

#: What the icon shows, the gravest first: with several cameras the gravest is shown.
Look = Literal["away", "recovering", "recording", "live", "starting", "stopped"]
LOOKS: tuple[Look, ...] = ("away", "recovering", "recording", "live", "starting", "stopped")


@dataclass(frozen=True)
class CameraView:
    """A camera, as ``status`` tells of it. Times are seconds, rates frames per second."""

    name: str
    state: str = "stopped"
    reason: str | None = None
    size: str = ""
    fps: float = 0.0
    viewers: int = 0
    recording: str | None = None
    recorded: float = 0.0
    #: Why the recording has no picture so far, or None.
    waiting: str | None = None
    preroll: float = 0.0
    #: What people see in place of the name, or nothing.
    title: str = ""

    @classmethod
    def from_status(cls, status: dict[str, Any]) -> CameraView:
        """From one answer to ``status``; what it does not say has its default."""
        return cls(
            name=str(status["camera"]),
            state=str(status.get("state", "stopped")),
            reason=status.get("reason"),
            size=str(status.get("size") or ""),
            fps=float(status.get("fps") or 0),
            viewers=int(status.get("viewers") or 0),
            recording=status.get("recording"),
            recorded=float(status.get("recording_seconds") or 0),
            waiting=status.get("recording_waiting"),
            preroll=float(status.get("preroll_seconds") or 0),
            title=str(status.get("title") or ""),
        )

    @property
    def look(self) -> Look:
        """What the icon shows of it."""
        if self.state == "recovering" or self.waiting:
            return "recovering"
        if self.recording is not None:
            return "recording"
        return "live" if self.state == "live" else "starting" if self.starting else "stopped"

    @property
    def starting(self) -> bool:
        """Whether it was asked to run and has given no picture yet."""
        return self.state == "starting"


@dataclass(frozen=True)
class ViewerView:
    """One who watches, as ``viewers`` tells of it."""

    address: str
    kind: str
    camera: str
    fps: float

    @classmethod
    def from_answer(cls, item: dict[str, Any]) -> ViewerView:
        """From one item of the list."""
        return cls(
            str(item.get("address", "")),
            str(item.get("kind", "")),
            str(item.get("camera", "")),
            float(item.get("fps") or 0),
        )


@dataclass(frozen=True)
class ServerView:
    """All that the menu is made from.

    Arguments:
        connected: whether the control port answers.
        reason: if not: why, in words; empty while the first try is under way.
        here: whether the server is, or would be, on this machine.
        view: the frame port as a ``twistedcam://`` URL, or None for a server without one.
        page: the web page's URL, or None for a server without one.
        folder: where recordings go, on the server's machine.
        serving: whether a server that this tray started runs.
        refused: whether a server answers there that does not let this tray in.
        rights: what the tray's token allows.
        whole: whether it allows that with all cameras, and with the server itself.
    """

    connected: bool = False
    reason: str = ""
    here: bool = True
    cameras: tuple[CameraView, ...] = ()
    viewers: tuple[ViewerView, ...] = ()
    view: str | None = None
    page: str | None = None
    folder: str | None = None
    serving: bool = field(default=False, kw_only=True)
    refused: bool = field(default=False, kw_only=True)
    rights: frozenset[str] = field(default=frozenset(RIGHTS), kw_only=True)
    whole: bool = field(default=True, kw_only=True)

    @property
    def may_control(self) -> bool:
        """Whether commands are carried out for this tray."""
        return self.connected and "control" in self.rights

    @property
    def may_end(self) -> bool:
        """Whether the server ends for this tray."""
        return self.connected and self.whole and "admin" in self.rights

    @property
    def look(self) -> Look:
        """What the icon shows."""
        if not self.connected:
            return "away"
        return min((each.look for each in self.cameras), key=LOOKS.index, default="stopped")
