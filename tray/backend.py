"""Selects the pystray back end for this desktop."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from tray.errors import TrayError
from twistedcam.runtime.extras import how_to_install

#: Seconds to wait for the display and the session bus, which are slow while a desktop starts.
PATIENCE = 5.0

#: Back ends of pystray that have a menu. Its third one, xorg, has none.
LINUX = ("appindicator", "gtk")
WATCHER = "org.kde.StatusNotifierWatcher"

GTK = "gir1.2-gtk-3.0"
INDICATOR = "gir1.2-ayatanaappindicator3-0.1"
PYGOBJECT = (
    f"the tray needs PyGObject; install it with {how_to_install('tray')} "
    "(on Debian after: apt install gcc pkg-config python3-dev libgirepository1.0-dev "
    f"libcairo2-dev {GTK} {INDICATOR})"
)


def load(environ: MutableMapping[str, str], platform: str = sys.platform) -> Any:
    """Return the icon class for this desktop.

    Arguments:
        environ: the environment variables, from which pystray reads its back end.

    Raises:
        TrayError: there is none. The message says what to install or set.
    """
    if platform == "win32":
        from tray.notifications import windows_icon

        return windows_icon(_import_icon(environ, None))
    if not platform.startswith("linux"):
        return _import_icon(environ, None)
    check_gi()
    check_display(environ)
    check_bus()
    wanted = environ.get("PYSTRAY_BACKEND")
    if wanted is not None and wanted not in LINUX:
        raise TrayError(
            f"the back end {wanted!r} has no menu: unset PYSTRAY_BACKEND, or set it to gtk"
        )
    reasons = []
    for backend in [wanted] if wanted else preferred(environ):
        try:
            if backend == "gtk" and _on_wayland():
                raise TrayError("gtk has no icons on Wayland")
            icon = _import_icon(environ, backend)
            from tray.gtk import desktop_icon

            return desktop_icon(icon)
        except (TrayError, ImportError, ValueError) as error:
            reasons.append(f"{backend}: {error}")
    raise TrayError(
        f"this desktop has no tray for us ({'; '.join(reasons)}): apt install {INDICATOR}"
    )


def check_gi() -> None:
    """Check that PyGObject and GTK are installed."""
    try:
        gi = importlib.import_module("gi")
    except ImportError:
        raise TrayError(PYGOBJECT) from None
    try:
        gi.require_version("Gtk", "3.0")
        gi.require_version("Gdk", "3.0")
    except ValueError:
        raise TrayError(f"the tray needs GTK 3: apt install {GTK}") from None


def check_display(environ: Mapping[str, str]) -> None:
    """Check that the display answers, because GTK would wait for it without end."""
    if environ.get("WAYLAND_DISPLAY"):
        return
    name = environ.get("DISPLAY")
    if not name:
        raise TrayError(
            "there is no display (DISPLAY is not set): start the tray inside a desktop session"
        )

    def connect() -> None:
        from Xlib.display import Display

        Display(name).close()

    problem = f"the display {name!r} cannot be used"
    _probe(connect, problem, "set DISPLAY, and XAUTHORITY, as they are in the desktop session")


def check_bus() -> None:
    """Check that the session bus answers, which icons, menus and notifications need."""

    def connect() -> None:
        from gi.repository import Gio

        Gio.bus_get_sync(Gio.BusType.SESSION, None)

    hint = "start the tray inside a desktop session, or with dbus-run-session (apt install dbus)"
    _probe(connect, "there is no session bus", hint)


def preferred(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the back ends, best first.

    Appindicator works with every panel, even one that starts later, but has no tooltip and no
    plain click. If there is only a panel of the old kind, gtk is better.
    """
    if environ.get("WAYLAND_DISPLAY") or _has_watcher() or not _has_old_panel(environ):
        return LINUX
    return LINUX[::-1]


def _has_watcher() -> bool:
    from gi.repository import Gio, GLib

    owner = Gio.bus_get_sync(Gio.BusType.SESSION, None).call_sync(
        "org.freedesktop.DBus",
        "/",
        "org.freedesktop.DBus",
        "NameHasOwner",
        GLib.Variant("(s)", (WATCHER,)),
        None,
        Gio.DBusCallFlags.NONE,
        int(PATIENCE * 1000),
        None,
    )
    return bool(owner.unpack()[0])


def _has_old_panel(environ: Mapping[str, str]) -> bool:
    from Xlib.display import Display

    display = Display(environ.get("DISPLAY"))
    try:
        atom = display.intern_atom(f"_NET_SYSTEM_TRAY_S{display.get_default_screen()}")
        return bool(display.get_selection_owner(atom))
    finally:
        display.close()


def _probe(connect: Callable[[], None], problem: str, hint: str) -> None:
    """Call a function that can hang, in a thread that is abandoned if it does."""
    failures: list[str] = []

    def attempt() -> None:
        try:
            connect()
        except Exception as error:  # Xlib, GLib and the system have their own
            failures.append(" ".join(str(error).split()))

    thread = threading.Thread(target=attempt, name="tray probe", daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if thread.is_alive():
        failures.append("it does not answer")
    if failures:
        raise TrayError(f"{problem} ({failures[0]}): {hint}")


def _on_wayland() -> bool:
    from gi.repository import Gdk

    return "Wayland" in type(Gdk.Display.get_default()).__name__


def _import_icon(environ: MutableMapping[str, str], backend: str | None) -> Any:
    """Import pystray with a back end. It selects one at import, so each try imports it again."""
    before = environ.get("PYSTRAY_BACKEND")
    if backend is not None:
        environ["PYSTRAY_BACKEND"] = backend
    try:
        return importlib.import_module("pystray").Icon
    finally:
        if before is None:
            environ.pop("PYSTRAY_BACKEND", None)
        else:
            environ["PYSTRAY_BACKEND"] = before


def call_in_main_thread(platform: str = sys.platform) -> Callable[[Callable[[], object]], Any]:
    """Return a function that calls another one in the thread of the icon."""
    if platform.startswith("linux"):
        from gi.repository import GLib

        def soon(call: Callable[[], object]) -> None:
            GLib.idle_add(lambda: bool(call()))

        return soon
    if platform == "darwin":
        from PyObjCTools import AppHelper

        return lambda call: AppHelper.callAfter(call)
    return lambda call: call()  # pystray on Windows takes calls from any thread


def runtime_folder(environ: Mapping[str, str]) -> str | None:
    """Return the folder for files of the desktop session, or None for the system's default."""
    folder = environ.get("XDG_RUNTIME_DIR")
    return folder if folder and os.path.isdir(folder) else None
