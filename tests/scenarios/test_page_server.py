"""Viewers, logins, hooks, the log and a report in the page."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.axe import violations
from tests.support.camera_rig import Viewer
from tests.support.chromium import Page
from tests.support.http_server import serve
from twistedcam.auth import Grant, TokenFile

CONFIG = """
[camera.door]
source = "pattern:?size=320x240&fps=5"
[camera.attic]
source = "rtsp://user:very-secret@127.0.0.1:1/x"
publish = "rtmp://127.0.0.1:1/live/stream-key#name=tube"
[[hook]]
name = "upload"
on = "recording:finished"
url = "http://127.0.0.1:1/hook?key=hook-secret"
"""


def test_who_watches_what_happens_and_a_report_without_secrets(
    browser: Page, tmp_path: Path
) -> None:
    file = tmp_path / "cam.toml"
    file.write_text(CONFIG)
    with (
        serve(tmp_path / "recordings", "--config", str(file)) as server,
        Viewer(server.frames, "door") as viewer,
    ):
        viewer.frames(1)
        browser.look()
        browser.open(server.http)
        browser.wait(lambda: browser.text("[data-camera=door] .state") == "Live", "a picture")
        browser.click("#server-open")
        browser.wait(lambda: "twistedcam" in browser.text("#server-about").lower(), "versions")
        names = {"twistedcam", "OpenCV", "NumPy", "PyAV", "Python", "Twisted"}
        assert names <= {*browser.text("#server-about dt").splitlines()}
        browser.wait(lambda: "tube" in browser.text("#server-targets"), "the target")
        browser.wait(lambda: "upload" in browser.text("#server-hooks"), "the hook")
        browser.wait(lambda: "door is live" in browser.text("#server-log"), "the log")
        browser.find("#server-log-filter").send_keys("ATTIC")
        browser.wait(lambda: "door is live" not in browser.text("#server-log"), "a part of it")
        assert "attic" in browser.text("#server-log")
        browser.wait(lambda: "Processor" in browser.text("#server-process"), "the load")
        values = browser.text("#server-process output").splitlines()
        assert [each[-2:] for each in values[:2]] == [" %", "MB"]
        assert int(values[2]) > 1
        shown = browser.text("#server")
        browser.shoot("server-light-1280")
        assert violations(browser, [(390, 844, True)]) == []
        browser.look(320, 640)
        wide = "return document.querySelector('#server').scrollWidth"
        browser.wait(lambda: browser.chrome.execute_script(wide) <= 320, "a narrow list")
        browser.look()
        browser.click("#server-report")
        saved = browser.downloads / "twistedcam-report.json"
        browser.wait(saved.exists, "the report")
        report = json.loads(saved.read_text())
        assert report["version"]["twistedcam"]
        assert any("door is live" in each["text"] for each in report["log"]["lines"])
        for secret in ("very-secret", "stream-key", "hook-secret"):
            assert secret not in shown
            assert secret not in saved.read_text()
        rows = "return [...document.querySelectorAll('#server-viewers li')].map((e) => e.innerText)"
        found = browser.chrome.execute_script(rows)
        [own] = [number for number, row in enumerate(found) if "tcp" in row.lower()]
        click = "document.querySelectorAll('#server-viewers button')[arguments[0]].click()"
        browser.chrome.execute_script(click, own)
        browser.wait(
            lambda: "tcp" not in " ".join(browser.chrome.execute_script(rows)).lower(), "its end"
        )
        browser.leave()


def test_a_login_is_ended_by_an_operator(browser: Page, tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path / "tokens.toml")
    operator = tokens.add(Grant("operator", frozenset({"view", "admin"})))
    options = ("--camera", "door=pattern:?size=320x240&fps=5", "--tokens", str(tokens.path))
    with serve(tmp_path / "recordings", *options) as server:
        browser.look()
        browser.open(f"{server.http}/?token={operator}")
        browser.wait(lambda: browser.find("#settings-open").is_displayed(), "the rights")
        browser.click("#server-open")
        browser.wait(lambda: "operator · 127.0.0.1" in browser.text("#server-logins"), "it")
        browser.click("#server-logins button")
        browser.wait(lambda: browser.text("#link") == "Logged out", "its end")
        browser.leave()
