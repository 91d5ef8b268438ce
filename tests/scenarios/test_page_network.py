"""The page over slow and lost connections, and with many cameras."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.chromium import Page
from tests.support.http_server import serve, state
from tests.support.ports import free_port
from tests.support.process import PATIENCE, ServerProcess
from tests.support.slow_line import SlowLine

DOOR = ("--camera", "door=pattern:?size=640x360&fps=15")
YARD = ("--camera", "yard=pattern:?size=320x240&fps=5")
#: 1.5 MB a second.
LARGE = ("--camera", "door=pattern:?size=1280x720&fps=30&quality=95")
SLOW = 1e6
#: Twice the three seconds of a page on a machine that has nothing else to do.
LOST_WITHIN = 6.0
OLDEST = 0.5
#: Most seconds between the displayed age, a median of one second, and a measured one.
LOOK = 0.35


def sent(server: ServerProcess) -> int:
    """Return the most bytes sent to one viewer."""
    with urllib.request.urlopen(f"{server.http}/api/v1/viewers", timeout=PATIENCE) as answer:
        return max((int(each["bytes"]) for each in json.load(answer)["viewers"]), default=0)


def shown_age(page: Page) -> float:
    """Return the displayed age in seconds."""
    found = re.search(r"([\d.]+) (m?s) old", page.text(".figures"))
    return float(found[1]) / (1000 if found[2] == "ms" else 1) if found else 1e9


def is_new_and_says_so(page: Page) -> bool:
    """True if the displayed frame is new by its barcode, and the displayed age is right."""
    before = time.time()
    stamp = page.stamp()
    after = time.time()
    if stamp is None:
        return False
    youngest, oldest = before - stamp.time_us / 1e6, after - stamp.time_us / 1e6
    shown = shown_age(page)
    return max(youngest, shown) <= OLDEST and youngest - LOOK <= shown <= oldest + LOOK


@pytest.mark.parametrize("how", ["", "?pictures=pull"])
def test_on_a_slow_connection_frames_are_new_and_ages_are_right(
    browser: Page, tmp_path: Path, how: str
) -> None:
    with serve(tmp_path, *LARGE) as server:
        port = urlsplit(server.http).port
        assert port is not None
        with SlowLine(port, SLOW) as line:
            browser.look()
            browser.open(f"{line.url}/{how}")
            browser.wait(lambda: shown_age(browser) < 100, "an age")
            browser.wait(lambda: sent(server) > 3e6, "a line that is full")
            browser.wait(
                lambda: all(is_new_and_says_so(browser) for _ in range(3)),
                "three looks at new pictures, whose age is the one shown",
            )
            assert state(server)["viewers"] == 1
            assert re.match(r"Bitrate\s+[1-9]", browser.text(".tile:nth-child(3)"))
            browser.shoot(f"slow-line-{how[-4:] or 'live'}")
            browser.leave()


@pytest.mark.parametrize("how", ["", "?pictures=pull"])
def test_more_cameras_than_connections_are_live_and_can_be_controlled(
    browser: Page, tmp_path: Path, how: str
) -> None:
    names = [f"cam{number}" for number in range(8)]
    cameras = [f"{name}=pattern:?size=320x240&fps=4" for name in names]
    with serve(tmp_path, *(word for each in cameras for word in ("--camera", each))) as server:
        browser.look(1920, 1080)
        browser.open(f"{server.http}/{how}")
        browser.wait(lambda: browser.text(".camera .name").split("\n") == names, "all cameras")
        browser.wait(lambda: browser.text(".figures").count(" old") == 8, "pictures of all")
        browser.moves("[data-camera=cam7] .picture")
        browser.click("[data-camera=cam7] .toggle")
        browser.wait(lambda: browser.text("[data-camera=cam7] .state") == "Stopped", "its stop")
        assert state(server, "cam7")["state"] == "stopped"
        browser.click("[data-camera=cam0] .snap")
        browser.wait(lambda: "Saved cam0_" in browser.text("#toasts"), "a snapshot")
        browser.moves("[data-camera=cam6] .picture")
        browser.shoot(f"eight-{how[-4:] or 'live'}-1920")
        browser.leave()


def test_a_lost_server_shows_within_three_seconds_and_comes_back(
    browser: Page, tmp_path: Path
) -> None:
    port = free_port()
    with serve(tmp_path, *DOOR, port=port) as server:
        browser.look()
        browser.open(server.http + "/")
        browser.wait(lambda: " old" in browser.text(".figures"), "a live camera, and figures")
        # The page records the time itself, so that a slow test machine does not matter.
        browser.chrome.execute_script(
            "new MutationObserver(() => { if (document.body.dataset.link === 'lost') "
            "window.lostAt ??= Date.now(); }).observe(document.body, {attributes: true})"
        )
        server.process.kill()
        server.process.wait()
        killed = time.time()
        browser.wait(lambda: "lost" in browser.text("#link"), "a page that knows it")
        known = browser.chrome.execute_script("return window.lostAt") / 1000
        assert known - killed <= LOST_WITHIN
        assert browser.text(".tile output").split() == ["–"] * 4
        assert browser.find(".overlay .lost-icon").is_displayed()
        assert not any("icons.svg" in said for said in browser.complaints())
        browser.shoot("lost-light-1280")
    with serve(tmp_path, "--camera", f"{DOOR[1]}&quality=37", port=port):
        browser.wait(lambda: browser.text("#link") == "Connected", "the server again")
        browser.wait(lambda: browser.value("[name=quality]") == "37", "what holds there now")
        browser.moves()


def test_several_cameras_are_a_grid_and_one_click_opens_one(browser: Page, tmp_path: Path) -> None:
    with serve(tmp_path, *DOOR, *YARD, "--camera", "attic=webcam:/dev/none") as server:
        browser.look()
        browser.open(server.http + "/")
        browser.wait(lambda: browser.text(".camera .name") == "door\nyard\nattic", "three cameras")
        attic = "[data-camera=attic]"
        browser.wait(lambda: "No picture" in browser.text(f"{attic} .overlay"), "why there is none")
        for name in ("door", "yard"):
            browser.moves(f"[data-camera={name}] .picture")
        browser.shoot("grid-light-1280")
        browser.look(dark=True)
        browser.shoot("grid-dark-1280")
        browser.click("[data-camera=yard] .open")
        browser.wait(lambda: browser.text(".camera .name") == "yard", "one camera alone")
        browser.moves("[data-camera=yard] .picture")
        browser.shoot("alone-dark-1280")
        browser.click("#back")
        browser.wait(lambda: browser.text(".camera .name") == "door\nyard\nattic", "all three")
        browser.leave()
