"""The menu as a pure function from the server's state to items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from tray.state import CameraView, RecordingView, ServerView
from twistedcam.version import __version__

#: Viewers named in the menu. The others are only counted.
MAX_VIEWERS = 12
#: Recordings in the menu.
MAX_RECORDINGS = 10
#: Seconds of 'save the last', if the pre-roll holds as many.
SAVE_LAST = 30


@dataclass(frozen=True)
class Action:
    """The action of a click.

    Arguments:
        verb: ``command`` sends words to the server; the others are actions of the tray.
        words: the command; the camera for ``view``; the part of the page for ``page``; the file's
            name for ``recording``; ``on`` or ``off`` for ``autostart``.
    """

    verb: Literal[
        "command", "view", "page", "folder", "recording", "log", "serve", "autostart", "quit"
    ]
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class MenuItem:
    """A line of the menu. Without action and children it is only text.

    Arguments:
        text: the text; empty for a separator.
        checked: its check mark, or None for an item without one.
        default: True if a plain click on the icon runs it too, where the desktop allows that.
    """

    text: str = ""
    action: Action | None = None
    enabled: bool = True
    checked: bool | None = None
    default: bool = False
    children: tuple[MenuItem, ...] = ()


SEPARATOR = MenuItem()


def menu(server: ServerView, now: datetime | None = None) -> tuple[MenuItem, ...]:
    """Return the menu's items from top to bottom.

    Arguments:
        now: the local time, for the times of recordings; by default the computer's.
    """
    return tuple(_items(server, now or datetime.now()))


def _items(server: ServerView, now: datetime) -> Iterator[MenuItem]:
    yield MenuItem(headline(server), enabled=False)
    yield SEPARATOR
    several = len(server.cameras) > 1
    if several:
        for camera in server.cameras:
            children = (*_camera_items(camera, server), SEPARATOR, _view(server, camera, False))
            yield MenuItem(describe(camera), children=children, enabled=server.connected)
        yield SEPARATOR
    elif server.cameras:
        yield from _camera_items(server.cameras[0], server)
        yield SEPARATOR
        yield _view(server, server.cameras[0], True)
    elif not server.connected:
        yield _start_server(server)
        yield SEPARATOR
    has_page = server.connected and server.page is not None
    is_default = len(server.cameras) != 1
    yield MenuItem("Open the web page", Action("page"), has_page, default=is_default)
    yield from _recordings(server, now)
    yield MenuItem(
        "Open the recordings folder",
        Action("folder"),
        enabled=server.connected and server.here and server.folder is not None,
    )
    yield _viewers(server)
    yield SEPARATOR
    yield MenuItem(
        "Set up cameras…", Action("page", ("setup",)), has_page and server.may_administer
    )
    word = "off" if server.autostart else "on"
    yield MenuItem("Start with the desktop", Action("autostart", (word,)), checked=server.autostart)
    yield MenuItem("About", children=tuple(_about(server)))
    yield SEPARATOR
    if server.connected:
        may_end = server.may_administer
        really = MenuItem("Really shut it down", Action("command", ("shutdown",)), may_end)
        yield MenuItem("Shut the server down", enabled=may_end, children=(really,))
    yield MenuItem("Quit the tray", Action("quit"))


def _start_server(server: ServerView) -> MenuItem:
    possible = server.here and not (server.refused or server.serving)
    return MenuItem("Start a server here", Action("serve"), possible)


def _recordings(server: ServerView, now: datetime) -> Iterator[MenuItem]:
    """Return the items that open recordings: with a player here, or in the page."""
    possible = server.may_view and (server.page is not None or server.here)
    newest = server.recordings[:1]
    yield MenuItem(
        "Open the last recording",
        Action("recording", (newest[0].name,)) if newest else None,
        enabled=possible and bool(newest),
    )
    titles = _titles(server)
    shown = tuple(
        MenuItem(
            _describe_recording(each, titles, now), Action("recording", (each.name,)), possible
        )
        for each in server.recordings[:MAX_RECORDINGS]
    )
    yield MenuItem("Recent recordings", enabled=bool(shown), children=shown)


def _about(server: ServerView) -> Iterator[MenuItem]:
    yield MenuItem(f"twistedcam tray {__version__}", enabled=False)
    running = (
        f"Server: twistedcam {server.version}" if server.version else "Server: unknown version"
    )
    yield MenuItem(running if server.connected else "Server: not connected", enabled=False)
    if server.endpoint:
        yield MenuItem(f"Control port: {shorten(server.endpoint)}", enabled=False)
    if server.page:
        yield MenuItem(f"Web page: {shorten(server.page)}", Action("page"), server.connected)
    if server.view:
        yield MenuItem(f"Viewers: {shorten(server.view)}", enabled=False)
    if server.rtsp:
        yield MenuItem(f"RTSP: {shorten(server.rtsp)}", enabled=False)
    if server.folder:
        possible = server.connected and server.here
        yield MenuItem(f"Recordings: {shorten(server.folder)}", Action("folder"), possible)


def _camera_items(camera: CameraView, server: ServerView) -> Iterator[MenuItem]:
    def command(text: str, *words: str, when: bool, checked: bool | None = None) -> MenuItem:
        return MenuItem(text, Action("command", words), server.may_control and when, checked)

    name = camera.name
    running, recording = camera.state != "stopped", camera.recording is not None
    yield command("Start", "start", name, when=not running)
    yield command("Stop", "stop", name, when=running)
    if recording:
        text = (
            f"Record ({'waiting for a picture' if camera.waiting else duration(camera.recorded)})"
        )
        yield command(text, "record", "stop", name, when=True, checked=True)
    else:
        ready = camera.state in ("live", "stopped")
        yield command("Record", "record", "start", name, when=ready, checked=False)
    if camera.preroll:
        seconds = min(SAVE_LAST, int(camera.preroll)) or 1
        words = ("record", "save-last", name, f"{seconds}s")
        yield command(f"Save the last {seconds} s", *words, when=camera.state == "live")
    yield command("Snapshot", "snapshot", name, when=camera.state == "live")
    if camera.motion:
        is_on = camera.motion != "off"
        text = "Detect motion (something moves)" if camera.motion == "moving" else "Detect motion"
        word = "off" if is_on else "on"
        yield command(text, "motion", word, name, when=True, checked=is_on)
    if camera.muted is not None:
        word = "unmute" if camera.muted else "mute"
        yield command("Mute the sound", word, name, when=True, checked=camera.muted)


def _view(server: ServerView, camera: CameraView, default: bool) -> MenuItem:
    return MenuItem(
        "Open the viewer",
        Action("view", (camera.name,)),
        enabled=server.may_view and server.view is not None,
        default=default,
    )


def _viewers(server: ServerView) -> MenuItem:
    if not server.connected or not server.viewers:
        return MenuItem("Viewers: none", enabled=False)
    titles = _titles(server)
    shown = [
        MenuItem(
            f"{each.address} ({each.kind}): {titles.get(each.camera, each.camera)}, "
            f"{each.fps:.1f} fps",
            enabled=False,
        )
        for each in server.viewers[:MAX_VIEWERS]
    ]
    more = len(server.viewers) - len(shown)
    if more:
        shown.append(MenuItem(f"and {more} more", enabled=False))
    return MenuItem(f"Viewers: {len(server.viewers)}", children=tuple(shown))


def headline(server: ServerView) -> str:
    """Return a line about the state of all cameras."""
    if not server.connected:
        return shorten(server.reason) or "Looking for the server"
    if not server.cameras:
        return "The server has no camera"
    if len(server.cameras) == 1:
        return describe(server.cameras[0])
    live = sum(each.state == "live" for each in server.cameras)
    parts = [f"{live} of {len(server.cameras)} cameras live"]
    recording = sum(each.recording is not None for each in server.cameras)
    if recording:
        parts.append(f"{recording} recording")
    return ", ".join(parts)


def describe(camera: CameraView) -> str:
    """Describe a camera in one line."""
    parts = [camera.state]
    if camera.state == "live":
        parts.append(f"{camera.fps:.1f} fps")
    if camera.waiting:
        parts.append("the recording waits for a picture")
    elif camera.recording is not None:
        parts.append(f"recording {duration(camera.recorded)}")
    if camera.muted:
        parts.append("muted")
    if camera.reason:
        parts.append(shorten(camera.reason))
    return f"{camera.title or camera.name}: {', '.join(parts)}"


def tooltip(server: ServerView) -> str:
    """Return a line for each camera: rate, viewers and recording time."""
    if not server.connected or not server.cameras:
        return headline(server)
    return "\n".join(
        f"{describe(each)}, {each.viewers} viewer{'' if each.viewers == 1 else 's'}"
        for each in server.cameras
    )


def _describe_recording(found: RecordingView, titles: dict[str, str], now: datetime) -> str:
    """Describe a recording in one line: "Front door, yesterday 14:02 (0:32)"."""
    who = found.name if found.camera is None else titles.get(found.camera, found.camera)
    length = "" if found.seconds is None else f" ({duration(found.seconds)})"
    return f"{shorten(who, 40)}, {moment(datetime.fromtimestamp(found.start), now)}{length}"


def moment(when: datetime, now: datetime) -> str:
    """Format a local time: ``14:02``, ``yesterday 14:02``, or with its date if it is older."""
    days = (now.date() - when.date()) // timedelta(days=1)
    if days in (0, 1):
        return f"{'yesterday ' if days else ''}{when:%H:%M}"
    return f"{when:%Y-%m-%d %H:%M}"


def _titles(server: ServerView) -> dict[str, str]:
    return {each.name: each.title or each.name for each in server.cameras}


def duration(seconds: float) -> str:
    """Format seconds as ``0:07``, ``12:34`` or ``1:02:03``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def shorten(text: str, most: int = 60) -> str:
    """Shorten a text to one line of limited length."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
