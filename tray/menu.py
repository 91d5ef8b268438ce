"""The menu as a pure function from the server's state to items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tray.state import CameraView, ServerView

#: Viewers named in the menu. The others are only counted.
MAX_VIEWERS = 12
#: Seconds of 'save the last', if the pre-roll holds as many.
SAVE_LAST = 30


@dataclass(frozen=True)
class Action:
    """The action of a click.

    Arguments:
        verb: ``command`` sends words to the server; the others are actions of the tray.
        words: the command, or the camera for ``view``.
    """

    verb: Literal["command", "view", "page", "folder", "serve", "quit"]
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


def menu(server: ServerView) -> tuple[MenuItem, ...]:
    """Return the menu's items from top to bottom."""
    return tuple(_items(server))


def _items(server: ServerView) -> Iterator[MenuItem]:
    yield MenuItem(headline(server), enabled=False)
    yield SEPARATOR
    if len(server.cameras) > 1:
        for camera in server.cameras:
            children = (*_camera_items(camera, server), SEPARATOR, _view(server, camera, False))
            yield MenuItem(describe(camera), children=children, enabled=server.connected)
        yield SEPARATOR
    else:
        camera = server.cameras[0] if server.cameras else CameraView("")
        yield from _camera_items(camera, server)
        yield SEPARATOR
        yield _view(server, camera, True)
    yield MenuItem(
        "Open the web page",
        Action("page"),
        enabled=server.connected and server.page is not None,
        default=len(server.cameras) > 1,
    )
    yield MenuItem(
        "Open the recordings folder",
        Action("folder"),
        enabled=server.connected and server.here and server.folder is not None,
    )
    yield _viewers(server)
    yield SEPARATOR
    yield MenuItem(
        "Start a server here",
        Action("serve"),
        enabled=not (server.connected or server.refused or server.serving) and server.here,
    )
    may_end = server.may_end
    really = MenuItem("Really shut it down", Action("command", ("shutdown",)), may_end)
    yield MenuItem("Shut the server down", enabled=may_end, children=(really,))
    yield MenuItem("Quit the tray", Action("quit"))


def _camera_items(camera: CameraView, server: ServerView) -> Iterator[MenuItem]:
    def command(text: str, *words: str, when: bool, checked: bool | None = None) -> MenuItem:
        return MenuItem(text, Action("command", words), server.may_control and when, checked)

    known, name = bool(camera.name), camera.name
    running, recording = camera.state != "stopped", camera.recording is not None
    yield command("Start", "start", name, when=known and not running)
    yield command("Stop", "stop", name, when=known and running)
    if recording:
        text = (
            f"Record ({'waiting for a picture' if camera.waiting else duration(camera.recorded)})"
        )
        yield command(text, "record", "stop", name, when=True, checked=True)
    else:
        ready = known and camera.state in ("live", "stopped")
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
    seen = (
        server.connected and "view" in server.rights
    )  # the right to control does not include viewing
    return MenuItem(
        "Open the viewer",
        Action("view", (camera.name,)),
        enabled=seen and server.view is not None and bool(camera.name),
        default=default,
    )


def _viewers(server: ServerView) -> MenuItem:
    if not server.connected or not server.viewers:
        return MenuItem("Viewers: none", enabled=False)
    titles = {each.name: each.title or each.name for each in server.cameras}
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
        # The server's text, without its advice for the terminal.
        reason = shorten(server.reason.partition(": '")[0])
        return f"{reason[:1].upper()}{reason[1:]}" if reason else "Looking for the server"
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


def duration(seconds: float) -> str:
    """Format seconds as ``0:07``, ``12:34`` or ``1:02:03``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def shorten(text: str, most: int = 60) -> str:
    """Shorten a text to one line of limited length."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
