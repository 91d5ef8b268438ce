"""The state of a server in plain values, from answers of the control port."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from twistedcam.auth import RIGHTS

#: States of the icon, most severe first. With several cameras the most severe one is shown.
Look = Literal["away", "recovering", "recording", "live", "starting", "stopped"]
LOOKS: tuple[Look, ...] = ("away", "recovering", "recording", "live", "starting", "stopped")


@dataclass(frozen=True)
class CameraView:
    """A camera by ``status``. Times are seconds, rates frames per second."""

    name: str
    state: str = "stopped"
    reason: str | None = None
    size: str = ""
    fps: float = 0.0
    viewers: int = 0
    recording: str | None = None
    recorded: float = 0.0
    #: The reason why the recording has no picture yet, or None.
    waiting: str | None = None
    preroll: float = 0.0
    #: Motion detection: ``off``, ``quiet`` or ``moving``; empty if the server has none.
    motion: str = ""
    #: True if the sound is muted; None if there is none, or the server has no such command.
    muted: bool | None = None
    #: The title for people, or empty.
    title: str = ""
    source: str = ""

    @classmethod
    def from_status(cls, status: dict[str, Any]) -> CameraView:
        """Make one from an answer to ``status``. Missing fields have their defaults."""
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
            motion=str(status.get("motion") or ""),
            muted=bool(status["muted"]) if _has_sound(status) else None,
            title=str(status.get("title") or ""),
            source=str(status.get("source") or ""),
        )

    @property
    def look(self) -> Look:
        """The icon's state for this camera."""
        if self.state == "recovering" or self.waiting:
            return "recovering"
        if self.recording is not None:
            return "recording"
        return "live" if self.state == "live" else "starting" if self.starting else "stopped"

    @property
    def starting(self) -> bool:
        """True if it was started and has delivered no picture yet."""
        return self.state == "starting"


def _has_sound(status: dict[str, Any]) -> bool:
    return status.get("muted") is not None and bool(status.get("audio") or status["muted"])


@dataclass(frozen=True)
class ViewerView:
    """A viewer by ``viewers``."""

    address: str
    kind: str
    camera: str
    fps: float

    @classmethod
    def from_answer(cls, item: dict[str, Any]) -> ViewerView:
        """Make one from an item of the list."""
        return cls(
            str(item.get("address", "")),
            str(item.get("kind", "")),
            str(item.get("camera", "")),
            float(item.get("fps") or 0),
        )


@dataclass(frozen=True)
class RecordingView:
    """A complete recording by ``recordings``.

    Arguments:
        camera: its camera, or None for a file that another program has written.
        start: UNIX seconds.
        seconds: its length, or None if the file cannot be read.
    """

    name: str
    camera: str | None
    start: float
    seconds: float | None

    @classmethod
    def from_answer(cls, item: dict[str, Any]) -> RecordingView:
        """Make one from an item of the list."""
        seconds = item.get("seconds")
        return cls(
            str(item["recording"]),
            item.get("camera"),
            float(item.get("start") or 0),
            None if seconds is None else float(seconds),
        )


@dataclass(frozen=True)
class ServerView:
    """Everything that the menu shows.

    Arguments:
        connected: True if the control port answers.
        reason: if not, the reason in words; empty during the first attempt.
        here: True if the server's address is on this machine.
        view: the frame port as a ``twistedcam://`` URL, or None for a server without one.
        page: the web page's URL, or None for a server without one.
        folder: the recordings folder on the server's machine.
        recordings: the newest complete recordings, the newest first.
        endpoint: the control port.
        rtsp: the RTSP server's URL, or None for a server without one.
        version: the server's version; empty if it is unknown.
        autostart: True if the tray starts with the desktop.
        serving: True if a server started by this tray is running.
        refused: True if a server answers and refuses this tray.
        rights: the rights of the tray's token.
        whole: True if they are valid for all cameras and the server itself.
    """

    connected: bool = False
    reason: str = ""
    here: bool = True
    cameras: tuple[CameraView, ...] = ()
    viewers: tuple[ViewerView, ...] = ()
    view: str | None = None
    page: str | None = None
    folder: str | None = None
    recordings: tuple[RecordingView, ...] = field(default=(), kw_only=True)
    endpoint: str = field(default="", kw_only=True)
    rtsp: str | None = field(default=None, kw_only=True)
    version: str = field(default="", kw_only=True)
    autostart: bool = field(default=False, kw_only=True)
    serving: bool = field(default=False, kw_only=True)
    refused: bool = field(default=False, kw_only=True)
    rights: frozenset[str] = field(default=frozenset(RIGHTS), kw_only=True)
    whole: bool = field(default=True, kw_only=True)

    @property
    def may_view(self) -> bool:
        """True if this tray may see pictures and recordings. The other rights do not include it."""
        return self.connected and "view" in self.rights

    @property
    def may_control(self) -> bool:
        """True if this tray may send commands."""
        return self.connected and "control" in self.rights

    @property
    def may_administer(self) -> bool:
        """True if this tray may shut down the server, and its page may change the cameras."""
        return self.connected and self.whole and "admin" in self.rights

    @property
    def is_new(self) -> bool:
        """True if no camera is configured: the server takes the first webcam that it finds."""
        return self.connected and all(each.source == "auto:" for each in self.cameras)

    @property
    def look(self) -> Look:
        """The icon's state."""
        if not self.connected:
            return "away"
        return min((each.look for each in self.cameras), key=LOOKS.index, default="stopped")
