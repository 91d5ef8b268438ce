"""The first setup in the page: a server that nobody has configured becomes one for the network."""

from __future__ import annotations

import json
import sys
import tomllib
import urllib.request
from contextlib import suppress
from pathlib import Path

from tests.fakecam import FakeBus, Format, require_fakecam
from tests.support.axe import violations
from tests.support.chromium import Page
from tests.support.ports import free_port
from tests.support.process import PATIENCE, ServerProcess
from tests.support.qr import read_qr
from twistedcam.net.addresses import own_address
from twistedcam.recording.library.hidden_folder import HIDDEN

PASSWORD = "a long password"
#: Where the QR code ends, from the top of the page.
BOTTOM = 'return document.querySelector("#setup-qr").getBoundingClientRect().bottom + scrollY'
#: Lets the search for webcams last until release() is called.
HOLD_SEARCH = """const { fetch } = self, held = new Promise((done) => { self.release = done; });
self.fetch = async (url, options) => {
  if (String(url).endsWith("/setup/devices")) await held;
  return fetch(url, options);
};"""
STARTED = 'return document.querySelector("#setup-found img")?.naturalWidth > 0'


class NewServer(ServerProcess):
    """``twistedcam serve`` without options in a folder that has only the ports of the test."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        super().__init__(folder / "recordings", env={**env, "HOME": str(folder)})
        self.ports = {name: free_port() for name in ("http", "rtsp", "listen", "control")}
        self.file = folder / "twistedcam.toml"
        lines = [f'{name} = "127.0.0.1:{port}"\n' for name, port in self.ports.items()]
        self.file.write_text("# mine\n" + "".join(lines))
        program = [sys.executable, "-m", "twistedcam", "serve", "--no-keys"]
        self.command = ["env", "-C", str(folder), *program]

    def reaches(self, host: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://{host}:{self.ports['http']}/login", timeout=5):
                return True
        except OSError:
            return False


def type_into(browser: Page, selector: str, text: str) -> None:
    browser.find(selector).clear()
    browser.find(selector).send_keys(text)


def test_a_new_server_is_set_up_opened_to_the_network_and_closed_again(
    browser: Page, tmp_path: Path
) -> None:
    require_fakecam()
    host = own_address()
    with FakeBus() as bus:
        bus.plug([Format("MJPG", 640, 480, (30,)), Format("MJPG", 320, 240, (15,))])
        with NewServer(tmp_path, bus.env) as server:
            browser.look()
            browser.open(server.http)
            browser.wait(lambda: browser.text("#setup-title"), "the setup, by itself")
            browser.wait(lambda: browser.chrome.execute_script(STARTED), "the live webcam")
            browser.wait(lambda: "+[camera." in browser.text("#setup-difference"), "the change")
            browser.shoot("setup-light-1280")

            type_into(browser, "#setup-address", "rtsp://127.0.0.1:1/x")
            browser.click("#setup-try")
            browser.wait(lambda: "refused" in browser.text("#setup-address-error"), "why not")
            type_into(browser, "#setup-address", "rtsp://127.0.0.1:1/y")
            assert browser.text("#setup-address-error") == ""
            browser.click("#setup-reachable")
            browser.wait(
                lambda: "without a password: set one first" in browser.text("#setup-error"),
                "the condition",
            )
            assert not browser.find("#setup-save").is_enabled()
            assert "not encrypted" in browser.text("#setup-plain")
            type_into(browser, "#setup-password", PASSWORD)
            browser.click("#setup-phone")
            phone = '+source = "push:"'
            browser.wait(lambda: phone in browser.text("#setup-difference"), "a phone")
            browser.click(".setup-camera:last-child .setup-choose")
            type_into(browser, ".setup-name", "desk")
            browser.find(".setup-mode option:last-child").click()
            browser.find("#setup-keep option[value='20GB']").click()
            for line in ('+http = "0.0.0.0:', "+[camera.desk]", '+size = "320x240"', "+keep ="):
                browser.wait(lambda: line in browser.text("#setup-difference"), line)  # noqa: B023
            assert violations(browser, [(1280, 900, False), (390, 844, True)]) == []
            for width in (320, 390):
                browser.look(width, 700, dark=width == 390)
                wide = "return document.documentElement.scrollWidth"
                browser.wait(lambda: browser.chrome.execute_script(wide) <= width, "it")  # noqa: B023
                browser.shoot(f"setup-{'dark' if width == 390 else 'light'}-{width}")
            browser.look()

            stream = urllib.request.urlopen(f"{server.http}/stream", timeout=PATIENCE)
            browser.click("#setup-save")
            with suppress(ConnectionResetError):
                while stream.read(1 << 16):  # it ends, because it has no password
                    pass
            browser.wait(lambda: "Saved" in browser.text("#setup-note"), "word of it")
            browser.wait(lambda: browser.find("#logout").is_displayed(), "the login")
            found = tomllib.loads(server.file.read_text())
            assert server.file.read_text().startswith("# mine\n")
            assert found["camera"]["desk"]["size"] == "320x240"
            assert found["recording"] == {"keep": "20GB"}
            assert PASSWORD not in server.file.read_text()
            if host is not None:
                browser.wait(lambda: server.reaches(host), "the page from the network")
                address = f"http://{host}:{server.ports['http']}/"
                browser.wait(lambda: browser.find("#setup-qr").is_displayed(), "a code")
                browser.wait(
                    lambda: read_qr(browser.find("#setup-qr").screenshot_as_png) == address,
                    "the QR code",
                )
                assert browser.text("#setup-link") == address
                assert browser.chrome.execute_script(BOTTOM) < 700
            assert browser.find("#setup-later").get_attribute("class") == "primary"
            browser.shoot("setup-saved-light-1280")
            browser.click("#setup-later")
            browser.wait(browser.is_live, "the camera")

            browser.click("#setup-open")
            browser.wait(lambda: browser.text("#setup-title"), "the setup again")
            browser.wait(lambda: "is the camera" in browser.text("#setup-found"), "the camera")
            browser.click("#setup-reachable")
            browser.wait(lambda: '-http = "0.0.0.0' in browser.text("#setup-difference"), "it")
            browser.click("#setup-save")
            browser.wait(lambda: "Saved" in browser.text("#setup-note"), "word of that")
            assert host is None or not server.reaches(host)
            assert server.reaches("127.0.0.1")
            browser.chrome.execute_script(HOLD_SEARCH)
            browser.click("#setup-undo")
            browser.wait(lambda: "taken back" in browser.text("#setup-note"), "word of the undo")
            assert browser.chrome.execute_script("return scrollY") == 0  # the note is in sight
            browser.chrome.execute_script("self.release()")
            assert host is None or server.reaches(host)

            films = tmp_path / "films"
            browser.find("#setup-folder option:last-child").click()
            browser.wait(lambda: browser.find("#setup-other").is_displayed(), "the field")
            type_into(browser, "#setup-other", str(films))
            browser.wait(
                lambda: f'+recordings = "{films}"' in browser.text("#setup-difference"), "it"
            )
            browser.click("#setup-save")
            browser.wait(lambda: browser.find("#setup-restart-now").is_displayed(), "the button")
            browser.chrome.execute_script("self.isBefore = true")
            browser.click("#setup-restart-now")
            moved = films / HIDDEN / "logins.json"
            browser.wait(moved.is_file, "the new folder, used after a restart")
            browser.wait(lambda: not browser.chrome.execute_script("return self.isBefore"), "it")
            browser.wait(lambda: browser.text("#link") == "Connected", "the page, logged in")
            assert server.process.poll() is None
            browser.leave()


def test_a_configured_server_offers_no_setup_by_itself(browser: Page, tmp_path: Path) -> None:
    with NewServer(tmp_path, {}) as server:
        text = server.file.read_text() + "[camera.door]\nsource = 'pattern:?fps=5'\n"
        server.file.write_text(text)
        assert server.command_lines("reload")[-1] == "OK"
        browser.open(server.http)
        browser.wait(browser.is_live, "the camera")
        with urllib.request.urlopen(f"{server.http}/api/v1/setup", timeout=PATIENCE) as answer:
            assert json.load(answer)["is_new"] is False
        assert not browser.find("#setup").is_displayed()
        browser.leave()


def test_equal_webcams_have_titles_and_names_that_differ_and_each_its_mode(
    browser: Page, tmp_path: Path
) -> None:
    require_fakecam()
    with FakeBus() as bus:
        for number in (0, 2):
            bus.plug([Format("MJPG", 320, 240, (15,))], number=number)
        with NewServer(tmp_path, bus.env) as server:
            browser.look()
            browser.open(server.http)
            values = "return [...document.querySelectorAll(arguments[0])].map((each) => each.value)"
            titles = browser.wait(
                lambda: browser.chrome.execute_script(values, "#setup-found .setup-title"), "them"
            )
            assert titles == ["Fake Webcam", "Fake Webcam 2"]
            names = browser.chrome.execute_script(values, "#setup-found .setup-name")
            assert names == ["fake-webcam", "fake-webcam-2"]
            modes = ["320 × 240 · 15 fps · MJPG"] * 2
            browser.wait(
                lambda: browser.text("#setup-found .setup-say").splitlines() == modes,
                "what each gives, also the one that the server has open",
            )
            browser.leave()
