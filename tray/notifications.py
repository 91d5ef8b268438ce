"""Shows notifications that can be clicked, by each desktop's own means.

Linux: the service of the Desktop Notifications Specification 1.2, over the session bus. Windows:
the balloon of the icon. macOS has neither for a program without a bundle, so pystray shows them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from html import escape
from typing import Any

from tray.menu import Action, shorten
from tray.notices import Notice

Perform = Callable[[Action], None]

SERVICE = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
#: Notifications whose clicks are remembered: desktops keep old ones in a list.
REMEMBERED = 50
#: The key of the action of a click on the notification itself.
DEFAULT = "default"

#: Windows' message for a click on a balloon (NIN_BALLOONUSERCLICK), and its longest texts.
BALLOON_CLICKED = 0x0405
LONGEST_TITLE, LONGEST_TEXT = 63, 255


class DesktopNotifications:
    """Sends notifications to the service of a Linux desktop. Used in the thread of its loop.

    Without a service, nothing is shown. One without actions or without buttons gets what it can.

    Arguments:
        bus: the session bus, a Gio.DBusConnection.
        icon: returns the path of the picture.
    """

    def __init__(self, bus: Any, icon: Callable[[], str | None]) -> None:
        from gi.repository import Gio

        self._bus = bus
        self._icon = icon
        self._clicks: OrderedDict[int, Callable[[], None]] = OrderedDict()
        # A service that is started again counts from 1: a number is of another program then.
        Gio.bus_watch_name_on_connection(
            bus, SERVICE, Gio.BusNameWatcherFlags.NONE, None, lambda *_: self._clicks.clear()
        )
        for signal, call in (
            ("ActionInvoked", self._clicked),
            ("NotificationClosed", lambda number, _: self._clicks.pop(number, None)),
        ):
            bus.signal_subscribe(
                SERVICE,
                SERVICE,
                signal,
                PATH,
                None,
                Gio.DBusSignalFlags.NONE,
                lambda *values, call=call: call(*values[5].unpack()),
            )

    def show(self, notice: Notice, perform: Perform) -> None:
        """Show a notification. A click on it or on its button performs its action."""
        self._call(
            "GetCapabilities", None, lambda found: self._send(notice, perform, set(found[0]))
        )

    def _send(self, notice: Notice, perform: Perform, capabilities: set[str]) -> None:
        from gi.repository import GLib

        actions: list[str] = []
        if notice.action is not None and "actions" in capabilities:
            actions = [DEFAULT, notice.label]
        text = escape(notice.text, quote=False) if "body-markup" in capabilities else notice.text
        arguments: Any = ("twistedcam", 0, self._icon() or "", notice.title, text, actions, {}, -1)

        def sent(answer: Any) -> None:
            if actions and notice.action is not None:
                action = notice.action
                self._clicks[answer[0]] = lambda: perform(action)
                while len(self._clicks) > REMEMBERED:
                    self._clicks.popitem(last=False)

        self._call("Notify", GLib.Variant("(susssasa{sv}i)", arguments), sent)

    def _call(self, method: str, arguments: Any, on_answer: Callable[[Any], None]) -> None:
        """Call the service without waiting. Without a service, nothing follows."""
        from gi.repository import Gio, GLib

        def answered(bus: Any, result: Any) -> None:
            try:
                answer = bus.call_finish(result)
            except GLib.Error:
                return
            on_answer(answer.unpack())

        self._bus.call(
            SERVICE, PATH, SERVICE, method, arguments, None, Gio.DBusCallFlags.NONE, -1, None,
            answered,
        )  # fmt: skip

    def _clicked(self, number: int, key: str) -> None:
        click = self._clicks.pop(number, None)
        if click is not None:
            click()


def windows_icon(base: Any) -> Any:
    """Return the icon class for Windows, a subclass of pystray's.

    Windows tells only that the balloon was clicked: it is the last one.
    """

    class WindowsIcon(base):  # type: ignore[misc]
        """Takes `announce`, as the icon of Linux does."""

        _on_balloon: Callable[[], None] | None = None

        def announce(self, notice: Notice, perform: Perform) -> None:
            """Show a notification. A click on it performs its action."""
            action = notice.action
            self._on_balloon = None if action is None else lambda: perform(action)
            self.notify(shorten(notice.text, LONGEST_TEXT), shorten(notice.title, LONGEST_TITLE))

        def _on_notify(self, wparam: int, lparam: int) -> None:
            if lparam != BALLOON_CLICKED:
                super()._on_notify(wparam, lparam)
            elif self._on_balloon is not None:
                self._on_balloon()

    return WindowsIcon
