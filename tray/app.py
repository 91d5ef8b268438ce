"""The tray program: updates icon and menu from the server's state, and runs clicks."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pystray

from tray import autostart
from tray.address import Address
from tray.backend import runtime_folder
from tray.child import ChildServer, log_file
from tray.entries import entries
from tray.errors import TrayError
from tray.icon import draw
from tray.link import ServerLink
from tray.menu import Action, MenuItem, headline, menu, tooltip
from tray.notices import Notice, NotificationFilter, file_notice
from tray.opening import (
    open_file,
    open_folder,
    open_page,
    open_viewer,
    reachable,
    recording_path,
)
from tray.reasons import reason
from tray.signals import on_signal
from tray.state import Look, ServerView
from twistedcam.errors import NoServer, TwistedcamError

#: Default size of the icon in pixels.
SIZE = 64
#: Seconds that a command may take: a camera can need long until its first picture.
COMMAND_TIMEOUT = 60.0
#: Seconds between new texts in a menu that cannot change while it is open.
TEXTS = 10.0


#: Titles of notifications about commands that were not carried out, by their first words.
FAILURES = {
    "start": "The camera cannot be started",
    "stop": "The camera cannot be stopped",
    "record start": "The recording cannot be started",
    "record stop": "The recording was not finished",
    "record save-last": "The last seconds were not saved",
    "snapshot": "No snapshot was taken",
    "motion": "Motion detection was not changed",
    "mute": "The sound cannot be muted",
    "unmute": "The sound is still muted",
    "shutdown": "The server was not shut down",
}


@dataclass(frozen=True)
class Autostart:
    """The autostart entry: its path, and the content that starts this tray."""

    path: Path
    content: bytes


@dataclass(frozen=True)
class TrayOptions:
    """Options of the tray.

    Arguments:
        address: the control port.
        view: the frame port's URL, instead of the server's own.
        page: the web page's URL, instead of the server's own.
        serve: the options for a server started from the menu.
        keep_server: True if that server runs on when the tray ends.
        autostart: the autostart entry that the menu writes and removes.
    """

    address: Address
    view: str | None = None
    page: str | None = None
    serve: tuple[str, ...] = ()
    keep_server: bool = False
    autostart: Autostart | None = None


class TrayApp:
    """The tray program with its icon.

    Arguments:
        make_icon: pystray's Icon for this desktop.
        in_main: calls a function in the thread of the icon.
        environ: the environment variables.
    """

    def __init__(
        self,
        options: TrayOptions,
        make_icon: Callable[..., Any],
        in_main: Callable[[Callable[[], object]], Any],
        environ: Mapping[str, str],
    ) -> None:
        self._options = options
        self._in_main = in_main
        self._environ = environ
        self._state = ServerView(here=options.address.here)
        self._items: tuple[MenuItem, ...] = menu(self._state)
        self._texts_at = time.monotonic()
        self._look: Look = self._state.look
        self._notices = NotificationFilter()
        self._ended = False
        #: True from the start of a server here until it is connected.
        self._is_new_server = False
        self._link = ServerLink(options.address, self._state_came, self._event_came)
        self._child = ChildServer(
            options.serve, log_file(environ), options.keep_server, self._child_ended
        )
        self.icon = make_icon(
            "twistedcam",
            draw(self._look, SIZE),
            "twistedcam",
            pystray.Menu(lambda: entries(self._items, self.perform)),
        )

    def run(self) -> None:
        """Show the icon until the tray is quit, a signal comes, or the session ends."""
        folder = runtime_folder(self._environ)
        with tempfile.TemporaryDirectory(prefix="twistedcam-tray-", dir=folder) as images:
            self.icon.folder = images
            self.icon.redraw = self._redraw
            with on_signal(self.quit):
                try:
                    self.icon.run(self._begin)
                finally:
                    self._link.stop()
                    self._child.end()
                    if self._link.ident is not None:
                        self._link.join(1.0)

    def quit(self) -> None:
        """Quit the tray. May be called from any thread."""
        self._ended = True
        self.icon.stop()

    def _begin(self, icon: Any) -> None:
        """Start the work. Called in a separate thread when the desktop's loop runs."""
        icon.visible = True
        self._link.start()
        if self._ended:
            icon.stop()

    # Called by the link's thread.

    def _state_came(self, state: ServerView) -> None:
        self._in_main(lambda: self.show(state))

    def _event_came(self, event: dict[str, Any]) -> None:
        self._in_main(lambda: self._notify(self._notices.of(event)))

    # In the icon's thread.

    def show(self, state: ServerView) -> None:
        """Update icon, tooltip and menu."""
        if state.connected and not self._state.connected:
            for camera in state.cameras:
                self._notify(
                    self._notices.seen(camera.name, camera.state, camera.reason, camera.title)
                )
        host, entry = self._options.address.host, self._options.autostart
        page = self._options.page or (state.page and reachable(state.page, host))
        self._state = replace(
            state,
            view=self._options.view or (state.view and reachable(state.view, host)),
            rtsp=state.rtsp and reachable(state.rtsp, host),
            page=page,
            serving=self._child.runs,
            autostart=entry is not None and autostart.is_on(entry.path),
        )
        can_start = state.here and not (state.refused or self._child.runs)
        self._notify(
            self._notices.server(
                state.connected, headline(self._state), time.monotonic(), can_start
            )
        )
        if state.connected and self._is_new_server:
            self._is_new_server = False
            if self._state.is_new and page is not None:
                self._do(Action("page", ("setup",)))
        if self._state.look != self._look:
            self._redraw()
        self.icon.title = tooltip(self._state)
        items = menu(self._state)
        if self._worth_showing(items):
            self._items, self._texts_at = items, time.monotonic()
            self.icon.update_menu()

    def _worth_showing(self, items: tuple[MenuItem, ...]) -> bool:
        """True if the menu must change, even if it is open."""
        if getattr(self.icon, "follows", False):
            return items != self._items
        late = time.monotonic() - self._texts_at > TEXTS
        return _without_texts(items) != _without_texts(self._items) or late

    def _redraw(self) -> None:
        self._look = self._state.look
        self.icon.icon = draw(self._look, getattr(self.icon, "size", SIZE))

    def _notify(self, notice: Notice | None) -> None:
        if notice is None:
            return
        if notice.action is not None and not self._can_do(notice.action):
            notice = notice._replace(action=None)
        announce = getattr(self.icon, "announce", None)
        if announce is not None:
            announce(notice, self.perform)
        elif self.icon.HAS_NOTIFICATION:
            self.icon.notify(notice.text, notice.title)

    def _can_do(self, action: Action) -> bool:
        """True if a click on a notification can have that action."""
        match action.verb:
            case "page":
                return self._state.page is not None
            case "recording":
                return self._state.may_view
        return True

    def _tell(self, text: str) -> None:
        """Show an error. May be called from any thread."""
        self._in_main(lambda: self._notify(Notice("twistedcam", text)))

    def perform(self, action: Action) -> None:
        """Run the action of a click."""
        try:
            self._do(action)
        except TrayError as error:
            self._tell(str(error))

    def _do(self, action: Action) -> None:
        state, address = self._state, self._options.address
        match action.verb:
            case "quit":
                self.quit()
            case "serve" if not self._state.connected:
                self._child.start()
                self._is_new_server = True
                self.show(self._state)
                self._link.try_now()
            case "view" if state.view:
                open_viewer(state.view, action.words[0], address.token, self._tell)
            case "page" if state.page:
                part = "".join(f"#{quote(each, safe='=')}" for each in action.words)
                open_page(state.page + part, self._tell)
            case "folder" if state.folder:
                open_folder(state.folder, self._tell)
            case "recording":
                self._open_recording(action.words[0])
            case "log":
                open_file(str(log_file(self._environ)), self._tell)
            case "autostart" if self._options.autostart is not None:
                self._set_autostart(self._options.autostart, action.words[0] == "on")
            case "command":
                threading.Thread(
                    target=self._command, args=action.words, name="tray command", daemon=True
                ).start()

    def _open_recording(self, name: str) -> None:
        """Play a recording with this system's player; in the page if it is not on this machine."""
        state = self._state
        path = recording_path(state.folder, name) if state.here else None
        if path is not None:
            open_file(path, self._tell)
        elif state.page is not None:
            self._do(Action("page", (f"recording={name}",)))
        else:
            raise TrayError(f"{name} is not on this machine, and the server has no web page")

    def _set_autostart(self, entry: Autostart, wanted: bool) -> None:
        try:
            if wanted:
                autostart.install(entry.path, entry.content)
            else:
                autostart.remove(entry.path)
        finally:
            self.show(self._state)
            self.icon.update_menu()  # the click changed the check mark, even if nothing else did

    # Run in separate threads.

    def _command(self, *words: str) -> None:
        """Run a command on its own connection, so that a slow one does not delay others."""
        try:
            with self._options.address.connect() as client:
                answer = client.ask(*words, timeout=COMMAND_TIMEOUT)
        except TwistedcamError as error:
            lost = isinstance(error, NoServer)
            why = reason(error, self._options.address) if lost else str(error)
            self._in_main(lambda: self._refused(words, why))
            return
        if words == ("shutdown",):
            self._in_main(self._notices.expect_end)
        if "snapshot" in answer:
            name = str(answer["snapshot"])
            self._in_main(lambda: self._notify(file_notice("Snapshot", name, name)))

    def _refused(self, words: tuple[str, ...], why: str) -> None:
        title = FAILURES.get(" ".join(words[:2])) or FAILURES.get(words[0], "Not done")
        self._notify(Notice(title, why))
        self.icon.update_menu()  # the click changed the check mark; nothing else did

    def _child_ended(self, reason: str) -> None:
        def tell() -> None:
            self._is_new_server = False
            self._notices.expect_end()
            title = "The camera server has ended"
            self._notify(Notice(title, reason, Action("log"), "Show its log"))
            self.show(self._state)

        self._in_main(tell)


def _without_texts(items: tuple[MenuItem, ...]) -> tuple[Any, ...]:
    return tuple(
        (each.action, each.enabled, each.checked, _without_texts(each.children)) for each in items
    )
