"""The tray program: updates icon and menu from the server's state, and runs clicks."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pystray

from tray.address import Address
from tray.backend import runtime_folder
from tray.child import ChildServer, log_file
from tray.entries import entries
from tray.errors import TrayError
from tray.icon import draw
from tray.link import ServerLink
from tray.menu import Action, MenuItem, menu, tooltip
from tray.notices import Notice, NotificationFilter
from tray.opening import open_folder, open_page, open_viewer, reachable
from tray.signals import on_signal
from tray.state import Look, ServerView
from twistedcam.errors import TwistedcamError

#: Default size of the icon in pixels.
SIZE = 64
#: Seconds that a command may take: a camera can need long until its first picture.
COMMAND_TIMEOUT = 60.0
#: Seconds between new texts in a menu that cannot change while it is open.
TEXTS = 10.0


@dataclass(frozen=True)
class TrayOptions:
    """Options of the tray.

    Arguments:
        address: the control port.
        view: the frame port's URL, instead of the server's own.
        page: the web page's URL, instead of the server's own.
        serve: the options for a server started from the menu.
        keep_server: True if that server runs on when the tray ends.
    """

    address: Address
    view: str | None = None
    page: str | None = None
    serve: tuple[str, ...] = ()
    keep_server: bool = False


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
        self._state = replace(
            state,
            view=self._options.view or state.view,
            page=self._options.page or state.page,
            serving=self._child.runs,
        )
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
        if notice is not None and self.icon.HAS_NOTIFICATION:
            self.icon.notify(notice.text, notice.title)

    def _tell(self, text: str) -> None:
        """Show an error. May be called from any thread."""
        self._in_main(lambda: self._notify(Notice("twistedcam", text)))

    def perform(self, action: Action) -> None:
        """Run the action of a click."""
        try:
            self._do(action)
        except (TrayError, OSError) as error:
            self._tell(str(error))

    def _do(self, action: Action) -> None:
        state, address = self._state, self._options.address
        match action.verb:
            case "quit":
                self.quit()
            case "serve":
                self._child.start()
                self.show(self._state)
                self._link.try_now()
            case "view" if state.view:
                view = reachable(state.view, address.host)
                open_viewer(view, action.words[0], address.token, self._tell)
            case "page" if state.page:
                open_page(reachable(state.page, address.host), self._tell)
            case "folder" if state.folder:
                open_folder(state.folder, self._tell)
            case "command":
                threading.Thread(
                    target=self._command, args=action.words, name="tray command", daemon=True
                ).start()

    # Run in separate threads.

    def _command(self, *words: str) -> None:
        """Run a command on its own connection, so that a slow one does not delay others."""
        try:
            with self._options.address.connect() as client:
                answer = client.ask(*words, timeout=COMMAND_TIMEOUT)
        except TwistedcamError as error:
            self._in_main(lambda why=str(error): self._refused(words, why))  # type: ignore[misc]
            return
        if "snapshot" in answer:
            self._in_main(lambda: self._notify(Notice("Snapshot", str(answer["snapshot"]))))

    def _refused(self, words: tuple[str, ...], why: str) -> None:
        self._notify(Notice(f"{' '.join(words)}: not done", why))
        self.icon.update_menu()  # the click changed the check mark; nothing else did

    def _child_ended(self, said: str) -> None:
        self._tell(f"The server ended: {said}")
        self._in_main(lambda: self.show(self._state))


def _without_texts(items: tuple[MenuItem, ...]) -> tuple[Any, ...]:
    return tuple(
        (each.action, each.enabled, each.checked, _without_texts(each.children)) for each in items
    )
