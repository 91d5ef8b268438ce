"""Notifications that are clicked: a service on a bus of its own, and Windows' balloon."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.desktop import BUS, require_desktop
from tests.support.process import PATIENCE, wait_for
from tray.menu import Action
from tray.notices import Notice
from tray.notifications import (
    BALLOON_CLICKED,
    PATH,
    SERVICE,
    DesktopNotifications,
    windows_icon,
)

INTERFACE = """<node><interface name="org.freedesktop.Notifications">
  <method name="GetCapabilities"><arg type="as" direction="out"/></method>
  <method name="Notify">
    <arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
    <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
    <arg type="a{sv}" direction="in"/><arg type="i" direction="in"/>
    <arg type="u" direction="out"/>
  </method>
</interface></node>"""
FINISHED = Notice("Recording finished", "a<b>.mp4", Action("recording", ("a.mp4",)), "Open")


class Service:
    """A notification service in this process, on a connection of its own."""

    def __init__(self, address: str) -> None:
        from gi.repository import Gio, GLib

        self._glib = GLib
        flags = (
            Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        )
        self.client, self._bus = (
            Gio.DBusConnection.new_for_address_sync(address, flags, None, None) for _ in range(2)
        )
        self.capabilities = ["actions", "body", "body-markup"]
        self.shown: list[tuple[Any, ...]] = []
        self._number = 0
        node = Gio.DBusNodeInfo.new_for_xml(INTERFACE)
        self._bus.register_object(PATH, node.interfaces[0], self._called, None, None)
        self.start()

    def start(self) -> None:
        """Own the name. The numbers of notifications begin at 1."""
        self._number = 0
        self._name("RequestName", "(su)", SERVICE, 4)

    def stop(self) -> None:
        """Give the name up."""
        self._name("ReleaseName", "(s)", SERVICE)

    def _name(self, method: str, types: str, *values: Any) -> None:
        name, path = "org.freedesktop.DBus", "/org/freedesktop/DBus"
        arguments = self._glib.Variant(types, values)
        self._bus.call_sync(name, path, name, method, arguments, None, 0, 5000, None)

    def _called(self, *call: Any) -> None:
        _, _, _, _, method, arguments, invocation = call
        if method == "GetCapabilities":
            invocation.return_value(self._glib.Variant("(as)", (self.capabilities,)))
            return
        self._number += 1
        self.shown.append(arguments.unpack())
        invocation.return_value(self._glib.Variant("(u)", (self._number,)))

    def emit(self, signal: str, types: str, *values: Any) -> None:
        """Send a signal, as for a click."""
        self._bus.emit_signal(None, PATH, SERVICE, signal, self._glib.Variant(types, values))

    def until(self, condition: Callable[[], Any], what: str) -> None:
        """Run GLib's loop until a condition is true."""
        context = self._glib.MainContext.default()

        def step() -> Any:
            while context.iteration(False):
                pass
            return condition()

        wait_for(step, what)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    require_desktop()
    config = tmp_path / "bus.conf"
    config.write_text(BUS.format(folder=tmp_path))
    command = ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile"]
    with subprocess.Popen([*command, "--print-address=1"], stdout=subprocess.PIPE) as bus:
        assert bus.stdout is not None
        found = Service(bus.stdout.readline().decode().strip())
        yield found
        for each in (found.client, found._bus):
            each.set_exit_on_close(False)
            each.close_sync(None)
        bus.terminate()
        bus.wait(PATIENCE)


def test_a_click_performs_the_action_once(service: Service) -> None:
    done: list[Action] = []
    notifications = DesktopNotifications(service.client, lambda: "/icon.png")
    notifications.show(FINISHED, done.append)
    service.until(lambda: service.shown, "the notification")
    name, _, icon, title, text, actions, _, _ = service.shown[0]
    assert (name, icon, title) == ("twistedcam", "/icon.png", "Recording finished")
    assert (text, actions) == ("a&lt;b&gt;.mp4", ["default", "Open"])
    service.emit("ActionInvoked", "(us)", 2, "default")  # another program's
    service.emit("ActionInvoked", "(us)", 1, "default")
    service.emit("ActionInvoked", "(us)", 1, "default")
    service.until(lambda: done, "the click")
    notifications.show(Notice("Done", "plain"), done.append)
    service.until(lambda: len(service.shown) == 2, "one without an action")
    assert service.shown[1][5] == []
    assert done == [Action("recording", ("a.mp4",))]


def test_a_service_without_actions_gets_a_plain_notification(service: Service) -> None:
    service.capabilities = ["body"]
    DesktopNotifications(service.client, lambda: None).show(FINISHED, lambda action: None)
    service.until(lambda: service.shown, "the notification")
    assert service.shown[0][3:6] == ("Recording finished", "a<b>.mp4", [])


def test_a_number_of_an_earlier_service_is_not_clicked(service: Service) -> None:
    done: list[Action] = []
    notifications = DesktopNotifications(service.client, lambda: None)
    service.stop()
    notifications.show(FINISHED, done.append)  # nobody shows it
    service.start()
    notifications.show(FINISHED, done.append)
    service.until(lambda: service.shown, "the notification")
    service.stop()
    service.start()
    service.emit("ActionInvoked", "(us)", 1, "default")
    notifications.show(FINISHED._replace(action=Action("page")), done.append)
    service.until(lambda: len(service.shown) == 2, "the next notification")

    def has_clicked() -> bool:
        # The tray may not know yet which number the new service has given.
        service.emit("ActionInvoked", "(us)", 1, "default")
        return bool(done)

    service.until(has_clicked, "the click")
    assert done == [Action("page")]


class PlainIcon:
    """pystray's icon of Windows."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.handled: list[int] = []

    def notify(self, text: str, title: str) -> None:
        self.told.append((title, text))

    def _on_notify(self, wparam: int, lparam: int) -> None:
        self.handled.append(lparam)


def test_the_balloon_of_windows_performs_the_action_of_the_last_notice() -> None:
    icon, done = windows_icon(PlainIcon)(), []
    icon._on_notify(0, BALLOON_CLICKED)
    icon.announce(FINISHED, done.append)
    icon.announce(Notice("t" * 99, "x" * 999, Action("page")), done.append)
    icon._on_notify(0, BALLOON_CLICKED)
    icon._on_notify(0, 0x0202)
    assert done == [Action("page")]
    assert icon.handled == [0x0202]
    assert [len(each) for each in icon.told[1]] == [63, 255]  # Windows has no room for more
    icon.announce(Notice("a", "b"), done.append)
    icon._on_notify(0, BALLOON_CLICKED)
    assert done == [Action("page")]
