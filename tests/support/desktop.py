"""A desktop without a screen: display, session bus, accessibility, notifications, and a panel."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.process import PATIENCE, ROOT, wait_for
from tests.support.system import require, require_program

#: A bus that starts nothing by itself: what runs on this desktop is what was put there.
BUS = """<busconfig>
  <type>session</type>
  <listen>unix:dir={folder}</listen>
  <policy context="default">
    <allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
  </policy>
</busconfig>
"""
ACCESSIBILITY = "/usr/libexec/at-spi-bus-launcher"


def require_desktop() -> None:
    """Skip the test where parts for a desktop are missing; fail it under CI."""
    for program, package in (
        ("Xvfb", "xvfb"),
        ("trayer", "trayer"),
        ("dunst", "dunst"),
        ("xdotool", "xdotool"),
        ("dbus-daemon", "dbus-daemon"),
        ("setpriv", "util-linux"),
        ("gdbus", "libglib2.0-bin"),
    ):
        require_program(program, package)
    require(os.path.exists(ACCESSIBILITY), "at-spi2-core is not installed")
    said = said_by_pygobject()
    require(not said, f"PyGObject: {said}")


@cache
def said_by_pygobject() -> list[str]:
    """The last line of its complaint where one of its parts is missing."""
    probe = (
        "import gi; gi.require_version('Gtk', '3.0'); gi.require_version('Atspi', '2.0'); "
        "gi.require_version('AyatanaAppIndicator3', '0.1')"
    )
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    return found.stderr.strip().splitlines()[-1:] if found.returncode else []


class Desktop(contextlib.ExitStack):
    """Use it as a context; ``env`` is what programs on this desktop are started with.

    Arguments:
        panel: height of the panel in pixels, or None for a desktop without one yet.
    """

    def __init__(self, panel: int | None = 24) -> None:
        super().__init__()
        self._panel = panel
        self.env = dict(os.environ, GDK_BACKEND="x11", GSETTINGS_BACKEND="memory", LC_ALL="C.UTF-8")
        for name in ("WAYLAND_DISPLAY", "NO_AT_BRIDGE", "AT_SPI_BUS_ADDRESS", "PYSTRAY_BACKEND"):
            self.env.pop(name, None)
        self.env["PYTHONPATH"] = str(ROOT)

    def __enter__(self) -> Desktop:
        super().__enter__()
        try:
            self._start_all()
        except BaseException:
            self.close()
            raise
        return self

    def _start_all(self) -> None:
        self.folder = Path(self.enter_context(tempfile.TemporaryDirectory(prefix="desktop.")))
        self.folder.chmod(0o700)
        home = self.folder / "home"
        home.mkdir()
        self.env.update(
            HOME=str(home),
            XDG_RUNTIME_DIR=str(self.folder),
            XDG_CONFIG_HOME=str(home / "config"),
            XDG_STATE_HOME=str(home / "state"),
        )
        self._log = self.enter_context((self.folder / "log").open("wb"))
        screen = ["-screen", "0", "800x600x24", "-nolisten", "tcp", "-noreset"]
        number, self.display = self._start_and_hear(["Xvfb", "-displayfd", "{fd}", *screen])
        self.env["DISPLAY"] = f":{number}"
        config = self.folder / "bus.conf"
        config.write_text(BUS.format(folder=self.folder))
        bus = ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile"]
        address, self.bus = self._start_and_hear([*bus, "--print-address={fd}"])
        self.env["DBUS_SESSION_BUS_ADDRESS"] = address
        self.start([ACCESSIBILITY, "--launch-immediately"])
        self.start(["dunst", "-conf", "/dev/null"])
        wait_for(lambda: self._owned("org.a11y.Bus"), "the accessibility bus")
        wait_for(lambda: self._owned("org.freedesktop.Notifications"), "dunst")
        if self._panel is not None:
            self.start_panel(self._panel)

    def start_panel(self, height: int = 24) -> subprocess.Popen[bytes]:
        """A panel along the bottom edge (windows open at the top), with icons of that height.

        It is there when this returns: an icon that asks a panel for a place while that begins may
        never get one.
        """
        size = ["--widthtype", "pixel", "--width", "200", "--heighttype", "pixel"]
        place = ["--edge", "bottom", "--align", "left", "--SetDockType", "false"]
        panel = self.start(["trayer", *place, *size, "--height", str(height)])
        wait_for(self._has_panel, "the panel")
        return panel

    def _has_panel(self) -> bool:
        """Whether a program manages the icons."""
        from Xlib.display import Display

        display: Any = Display(self.env["DISPLAY"])
        try:
            selection = display.intern_atom(f"_NET_SYSTEM_TRAY_S{display.get_default_screen()}")
            return bool(display.get_selection_owner(selection))
        finally:
            display.close()

    def start(self, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a program here; it ends with the desktop, or with the tests if they are killed."""
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *command],
            env=options.pop("env", self.env),
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=options.pop("stdout", self._log),
            stderr=options.pop("stderr", self._log),
            **options,
        )
        self.callback(end, process)
        return process

    def notifications(self) -> list[tuple[str, str]]:
        """Title and text of all that was notified of, the newest first. They are taken away."""
        self._dunst("CloseAll")
        history = json.loads(_as_json(self._dunst("ListHistory")))
        return [(each["summary"], each["body"]) for each in history]

    def click_notification(self) -> None:
        """Perform the default action of the notification that is on top, if there is one."""
        self._dunst("Action", "0")

    def _dunst(self, what: str, *arguments: str) -> str:
        path = "/org/freedesktop/Notifications"
        return self._call(path, f"org.dunstproject.cmd0.Notification{what}", *arguments)

    def _owned(self, name: str) -> bool:
        return "true" in self._call("/", "org.freedesktop.DBus.NameHasOwner", name)

    def _call(self, path: str, method: str, *arguments: str) -> str:
        service = "org.freedesktop.DBus" if path == "/" else "org.freedesktop.Notifications"
        target = ["--dest", service, "--object-path", path, "--method", method]
        call = ["gdbus", "call", "--session", *target, *arguments]
        return subprocess.run(
            call, env=self.env, capture_output=True, text=True, timeout=PATIENCE
        ).stdout

    def _start_and_hear(self, command: list[str]) -> tuple[str, subprocess.Popen[bytes]]:
        """Start a program that writes a line to a descriptor when it is ready."""
        reading, writing = os.pipe()
        try:
            words = [each.replace("{fd}", str(writing)) for each in command]
            process = self.start(words, pass_fds=[writing])
        finally:
            os.close(writing)
        with open(reading) as pipe:
            line = pipe.readline().strip()
        assert line, f"{command[0]} did not start: {(self.folder / 'log').read_text()}"
        return line, process


class Driver:
    """Eyes and a hand on a desktop: `tests.support.tray_driver` in a process of its own."""

    def __init__(self, desktop: Desktop, pid: int) -> None:
        self._process = desktop.start(
            [sys.executable, "-m", "tests.support.tray_driver", str(pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        desktop.callback(self._close)

    def ask(self, what: str, *arguments: Any) -> Any:
        """Call one of the driver's functions."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([what, *arguments]).encode() + b"\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or b'{"error": "the driver died"}')
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def icon(self) -> tuple[int, int, int, int]:
        """Where the icon is: left, top, width, height."""
        left, top, width, height = self.ask("icon")
        return left, top, width, height

    def menu(self, *path: str) -> dict[str, dict[str, Any]]:
        """The items of the open menu, or of a submenu opened by hovering: by label."""
        return dict(self.ask("menu", list(path)))

    def click(self, *path: str) -> None:
        """Open the menu and click an item; those before it are submenus. ``…`` ends a label
        whose rest does not matter."""
        self.ask("click", list(path))

    def close_menu(self) -> None:
        """Close it with Escape."""
        self.ask("close_menu")

    def screenshot(self, path: Path) -> None:
        """The whole screen as a PNG."""
        self.ask("screenshot", str(path))

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program, in good order if it can."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def without(env: Mapping[str, str], *names: str) -> dict[str, str]:
    """An environment without some variables."""
    return {name: value for name, value in env.items() if name not in names}


def _as_json(history: str) -> str:
    """dunst's history, as gdbus prints it, reduced to titles and texts."""
    from gi.repository import GLib

    if not history.strip():
        return "[]"
    (found,) = GLib.Variant.parse(
        GLib.VariantType("(aa{sv})"), history.strip(), None, None
    ).unpack()
    return json.dumps([{"summary": each["summary"], "body": each["body"]} for each in found])
