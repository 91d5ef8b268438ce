"""The tray on a real panel: clicked with a pointer, looked at through the accessibility bus."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.desktop import Desktop, Driver, require_desktop, without
from tests.support.ports import free_port
from tests.support.process import PATIENCE, ROOT, ServerProcess, wait_for
from tray.icon import SIZES
from twistedcam.auth import Grant, TokenFile
from twistedcam.clients.control.blocking import BlockingClient
from twistedcam.errors import NoServer

DOOR = ("--camera", "door=pattern:?size=320x240&fps=20")
RED = (222, 20, 32)
BLUE = (46, 128, 220)


@pytest.fixture(autouse=True)
def _desktop_parts() -> None:
    require_desktop()


@pytest.fixture
def artifacts() -> Path:
    """Where screenshots go, for people to look at."""
    folder = ROOT / "artifacts" / "tray"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    with Desktop() as made:
        yield made


def start_tray(
    desktop: Desktop, control: tuple[str, int], *options: str, backend: str | None = None
) -> subprocess.Popen[bytes]:
    """The tray, steering that control port."""
    env = dict(desktop.env, PYSTRAY_BACKEND=backend) if backend else desktop.env
    connect = "--connect={}:{}".format(*control)
    return desktop.start([sys.executable, "-m", "tray", connect, *options], env=env)


def fake_program(desktop: Desktop, name: str) -> Callable[[], str]:
    """Puts a program first on the PATH; returns what tells its arguments, or nothing yet."""
    folder = desktop.folder / "bin"
    folder.mkdir(exist_ok=True)
    said = folder / f"{name}.said"
    (folder / name).write_text(f'#!/bin/sh\necho "$@" > {said}.new\nmv {said}.new {said}\n')
    (folder / name).chmod(0o755)
    desktop.env["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return lambda: said.read_text().strip() if said.exists() else ""


def clicked(desktop: Desktop, said: Callable[[], str]) -> str:
    """Click the notification on top, and return what a program was told."""
    desktop.click_notification()
    return said()


@pytest.mark.parametrize("backend", ["gtk", "appindicator"])
def test_every_item_does_what_it_says(
    desktop: Desktop, tmp_path: Path, artifacts: Path, backend: str
) -> None:
    browser, files = fake_program(desktop, "browser"), fake_program(desktop, "xdg-open")
    desktop.env["BROWSER"] = str(desktop.folder / "bin" / "browser")
    port = free_port()
    own = ("--control", f"tcp:{port}:interface=127.0.0.1", "--http", "tcp:0:interface=127.0.0.1")
    serve = f"--no-listen --no-http --no-rtsp --recordings {tmp_path} --camera again=pattern:?fps=5"
    with ServerProcess(tmp_path, *own, *DOOR) as server:
        control = ("127.0.0.1", port)
        tray = start_tray(desktop, control, f"--serve={serve}", backend=backend)
        driver = Driver(desktop, tray.pid)
        try:
            driver.click("Stop")
            wait_for(lambda: server.status()["state"] == "stopped", "the camera to stop")
            driver.click("Start")
            wait_for(lambda: server.status()["state"] == "live", "the camera to start")

            driver.click("Record")
            wait_for(lambda: server.status()["recording"] != "none", "the recording")
            wait_for(lambda: list(RED) in driver.ask("colours"), "the red dot")
            name = server.status()["recording"]
            wait_for(lambda: "Record (0:01)" in driver.menu(), "a second of recording")
            (record,) = (each for label, each in driver.menu().items() if label[:8] == "Record (")
            assert record["checked"] is True
            driver.screenshot(artifacts / f"recording-{backend}.png")
            driver.close_menu()
            driver.click("Record…")
            wait_for(lambda: server.status()["recording"] == "none", "the recording's end")
            path = str(tmp_path / name)
            wait_for(lambda: clicked(desktop, files) == path, "a click on the notification")
            assert any(name in text for _, text in desktop.notifications())
            wait_for(lambda: driver.menu()["Open the last recording"]["enabled"], "it in the menu")
            assert any(each.startswith("door, ") for each in driver.menu("Recent recordings"))
            driver.screenshot(artifacts / f"recordings-{backend}.png")
            driver.close_menu()

            driver.click("Snapshot")
            wait_for(lambda: list(tmp_path.glob("*.jpg")), "the snapshot")
            driver.click("Open the web page")
            assert wait_for(browser, "the browser").rstrip("/") == server.http
            driver.click("Set up cameras…")
            setup = f"{server.http}#setup"
            wait_for(lambda: browser().replace("/#", "#") == setup, "the page to set up cameras")
            driver.click("Open the recordings folder")
            wait_for(lambda: files() == str(tmp_path), "the file manager")
            driver.click("Open the last recording")
            wait_for(lambda: files() == path, "the player")
            driver.click("Open the viewer")
            wait_for(lambda: server.status()["viewers"] == "1", "the viewer")
            wait_for(lambda: "Viewers: 1" in driver.menu(), "the viewer in the menu")
            assert any(" (tcp): door, " in label for label in driver.menu("Viewers: 1"))
            driver.close_menu()

            driver.click("Shut the server down", "Really shut it down")
            assert server.process.wait(PATIENCE) == 0
            driver.click("Start a server here")
            wait_for(lambda: any("again: live" in label for label in driver.menu()), "a new server")
            driver.screenshot(artifacts / f"own-server-{backend}.png")
            driver.close_menu()
            driver.click("Quit the tray")
            assert tray.wait(PATIENCE) == 0
            driver.ask("no_icon")
            with pytest.raises(ConnectionRefusedError):  # its own server went with it
                socket.create_connection(control, PATIENCE).close()
        except BaseException:
            driver.screenshot(artifacts / f"failed-{backend}.png")
            raise


def test_a_lost_server_is_told_and_a_click_starts_one(desktop: Desktop, tmp_path: Path) -> None:
    port = free_port()
    own = ("--control", f"tcp:{port}:interface=127.0.0.1")
    serve = f"--no-listen --no-http --no-rtsp --recordings {tmp_path} --camera again=pattern:?fps=5"
    control = ("127.0.0.1", port)
    with ServerProcess(tmp_path, *own, *DOOR) as server:
        tray = start_tray(desktop, control, f"--serve={serve}")
        driver = Driver(desktop, tray.pid)
        wait_for(lambda: list(BLUE) in driver.ask("colours"), "the server")
        server.process.kill()

    def answers() -> bool:
        desktop.click_notification()
        try:
            with BlockingClient("tcp:{}:{}".format(*control)) as client:
                return "again" in str(client.ask("cameras"))
        except NoServer:
            return False

    wait_for(answers, "a click on the notification to start a server")
    wait_for(
        lambda: (
            {"Camera server lost", "Camera server back"}
            <= {title for title, _ in desktop.notifications()}
        ),
        "both notifications",
    )


def test_it_starts_with_the_desktop_where_that_is_switched_on(desktop: Desktop) -> None:
    entry = desktop.folder / "home" / "config" / "autostart" / "twistedcam-tray.desktop"
    tray = start_tray(desktop, ("127.0.0.1", free_port()), "--keep-server")
    driver = Driver(desktop, tray.pid)
    assert driver.menu()["Start with the desktop"]["checked"] is False
    driver.close_menu()
    driver.click("Start with the desktop")
    wait_for(entry.exists, "the entry")
    assert "--keep-server" in entry.read_text()
    wait_for(lambda: driver.menu()["Start with the desktop"]["checked"], "its check mark")
    driver.close_menu()
    driver.click("Start with the desktop")
    wait_for(lambda: not entry.exists(), "no entry")
    entry.mkdir()  # nothing can be written there
    driver.click("Start with the desktop")
    wait_for(
        lambda: any("cannot be written" in text for _, text in desktop.notifications()),
        "the reason",
    )
    assert driver.menu()["Start with the desktop"]["checked"] is False
    driver.close_menu()


def test_a_new_server_is_set_up_in_the_page(desktop: Desktop, tmp_path: Path) -> None:
    browser = fake_program(desktop, "browser")
    desktop.env["BROWSER"] = str(desktop.folder / "bin" / "browser")
    http = f"--no-listen --no-rtsp --http tcp:0:interface=127.0.0.1 --recordings {tmp_path}"
    tray = start_tray(desktop, ("127.0.0.1", free_port()), f"--serve={http}")
    Driver(desktop, tray.pid).click("Start a server here")
    wait_for(lambda: browser().endswith("#setup"), "the page to set up cameras")


def test_what_others_do_shows_in_the_menu_while_it_is_open(
    desktop: Desktop, tmp_path: Path, artifacts: Path
) -> None:
    with ServerProcess(tmp_path, *DOOR, "--camera", "yard=pattern:?fps=5") as server:
        tray = start_tray(desktop, server.control)
        driver = Driver(desktop, tray.pid)
        wait_for(lambda: any("2 of 2" in label for label in driver.menu()), "the cameras")
        driver.menu("yard: live…")
        with BlockingClient("tcp:{}:{}".format(*server.control)) as client:
            client.ask("record", "start", "yard")
            wait_for(lambda: any("Record (" in label for label in driver.ask("peek")), "its time")
            driver.screenshot(artifacts / "two-cameras.png")
            wait_for(lambda: any(tmp_path.glob(".yard*.part")), "a picture in the file")
            client.ask("record", "stop", "yard")
            wait_for(lambda: "Record" in driver.ask("peek"), "the end of the recording")
            client.ask("stop", "yard")
            wait_for(lambda: driver.ask("peek")["Start"]["enabled"], "the end of the stream")
            assert driver.ask("peek")["Stop"]["enabled"] is False


@pytest.mark.parametrize(
    ("backend", "is_open"),
    [("gtk", False), ("appindicator", True)],
    ids=["closed-gtk", "open-appindicator"],
)
def test_a_menu_that_gains_items_is_shown_whole(
    desktop: Desktop, tmp_path: Path, artifacts: Path, backend: str, is_open: bool
) -> None:
    port = free_port()
    own = ("--control", f"tcp:{port}:interface=127.0.0.1")
    tray = start_tray(desktop, ("127.0.0.1", port), backend=backend)
    driver = Driver(desktop, tray.pid)

    def look_at_it(shot: str, *items: str) -> None:
        driver.menu()
        wait_for(lambda: {"Quit the tray", *items} <= set(driver.ask("peek")), f"{items}")
        wait_for(lambda: not driver.ask("cut"), "a menu of which nothing is cut")
        kind = "open" if is_open else "closed"
        driver.screenshot(artifacts / f"{shot}-{kind}-{backend}.png")
        if not is_open:
            driver.close_menu()

    def has_changed(is_live: bool) -> None:
        wait_for(lambda: (list(BLUE) in driver.ask("colours")) is is_live, "the icon to change")

    with ServerProcess(tmp_path, *own, *DOOR, "--camera", "yard=pattern:?fps=5") as server:
        has_changed(True)
        look_at_it("two")
        server.process.kill()
        has_changed(False)
        look_at_it("lost", "Start a server here")
    with ServerProcess(tmp_path, *own, "--record", "preroll=1s", *DOOR):
        has_changed(True)
        look_at_it("grown", "Save the last 1 s")
    driver.click("Quit the tray")
    assert tray.wait(PATIENCE) == 0


def test_a_token_to_view_one_camera_opens_its_viewer_and_the_page_and_no_more(
    desktop: Desktop, tmp_path: Path, artifacts: Path
) -> None:
    browser = fake_program(desktop, "browser")
    desktop.env["BROWSER"] = str(desktop.folder / "bin" / "browser")
    tokens = tmp_path / "tokens.toml"
    guest = TokenFile(tokens).add(Grant("guest", frozenset({"view"}), frozenset({"door"})))
    (tmp_path / "guest").write_text(guest)
    http = ("--http", "tcp:0:interface=127.0.0.1", "--tokens", str(tokens))
    with ServerProcess(tmp_path, *http, *DOOR, "--camera", "yard=pattern:?fps=5") as server:
        tray = start_tray(desktop, server.control, f"--token-file={tmp_path / 'guest'}")
        driver = Driver(desktop, tray.pid)
        wait_for(lambda: any("door: live" in label for label in driver.menu()), "the camera")
        items = driver.menu()
        assert "yard" not in str(items)
        assert not any(items[each]["enabled"] for each in ("Stop", "Record", "Snapshot"))
        assert not items["Shut the server down"]["enabled"]
        driver.screenshot(artifacts / "token-for-one-camera.png")
        driver.close_menu()
        driver.click("Open the web page")
        assert wait_for(browser, "the browser").rstrip("/") == server.http
        driver.click("Open the viewer")
        wait_for(lambda: "Viewers: 1" in driver.menu(), "the viewer in the menu")
        driver.close_menu()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order_with_the_server_away(
    desktop: Desktop, sign: signal.Signals
) -> None:
    tray = start_tray(desktop, ("127.0.0.1", free_port()))
    driver = Driver(desktop, tray.pid)
    driver.icon()
    tray.send_signal(sign)
    assert tray.wait(PATIENCE) == 0
    driver.ask("no_icon")
    assert not list(desktop.folder.glob("twistedcam-tray-*"))


def test_it_ends_with_the_session(desktop: Desktop) -> None:
    tray = start_tray(desktop, ("127.0.0.1", free_port()))
    Driver(desktop, tray.pid).icon()
    desktop.bus.terminate()
    assert tray.wait(PATIENCE) == 0


def test_it_ends_with_the_display(desktop: Desktop) -> None:
    tray = start_tray(desktop, ("127.0.0.1", free_port()))
    Driver(desktop, tray.pid).icon()
    desktop.display.kill()
    assert tray.wait(PATIENCE) is not None


def test_it_docks_when_a_panel_comes_and_comes_back_with_it(tmp_path: Path) -> None:
    with Desktop(panel=None) as desktop, ServerProcess(tmp_path, *DOOR) as server:
        tray = start_tray(desktop, server.control)
        driver = Driver(desktop, tray.pid)
        for _ in range(2):
            panel = desktop.start_panel()
            driver.icon()
            wait_for(lambda: any("door: live" in label for label in driver.menu()), "the menu")
            driver.close_menu()
            panel.terminate()
            panel.wait(PATIENCE)
            driver.ask("no_panel")
            driver.ask("no_icon")
        assert tray.poll() is None


def test_it_is_drawn_for_the_panel(tmp_path: Path, artifacts: Path) -> None:
    with ServerProcess(tmp_path, *DOOR) as server, Desktop(panel=None) as desktop:
        server.command_lines("record start")
        for size in SIZES:
            panel = desktop.start_panel(size + 2)
            desktop_tray = start_tray(desktop, server.control, backend="gtk")
            driver = Driver(desktop, desktop_tray.pid)
            wait_for(lambda d=driver: list(RED) in d.ask("colours"), f"the red dot at {size}")
            driver.ask("hover")
            driver.screenshot(artifacts / f"icon-{size}.png")
            for each in (desktop_tray, panel):
                each.terminate()
                each.wait(PATIENCE)
            driver.ask("no_panel")


def fails(desktop: Desktop, env: dict[str, str]) -> str:
    """The one line that the tray ends with."""
    done = subprocess.run(
        [sys.executable, "-m", "tray"], env=env, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    return line


def test_what_a_desktop_lacks_is_said_in_one_line(desktop: Desktop, tmp_path: Path) -> None:
    env = desktop.env
    assert "no display" in fails(desktop, without(env, "DISPLAY"))
    assert "cannot be used" in fails(desktop, {**env, "DISPLAY": ":2999"})
    nowhere = {**env, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/none"}
    assert "no session bus" in fails(desktop, nowhere)
    assert "has no menu" in fails(desktop, {**env, "PYSTRAY_BACKEND": "xorg"})
    (tmp_path / "gi.py").write_text("raise ImportError\n")
    hidden = {**env, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    assert "pip install -e '.[tray]'" in fails(desktop, hidden)


def test_a_bus_or_a_display_that_never_answers_is_not_waited_for(
    desktop: Desktop, tmp_path: Path
) -> None:
    path = str(tmp_path / "bus")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(path)
        silent.listen()
        bus = {**desktop.env, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={path}"}
        assert "does not answer" in fails(desktop, bus)
