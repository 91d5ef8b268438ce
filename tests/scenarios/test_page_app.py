"""The page as an app: installed, without its server, with gestures, and with the data saver."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.axe import violations
from tests.support.chromium import Page
from tests.support.http_server import serve, state
from tests.support.process import ServerProcess, wait_for

CAMERAS = (
    "--camera",
    "a=pattern:?size=1280x720&fps=5",
    "--camera",
    "b=pattern:?size=320x240&fps=5",
)
#: Resolves with the scope and the address of the page's service worker, when it is active.
WORKER = """const done = arguments[0]; navigator.serviceWorker.ready.then(({scope, active}) =>
    done([scope, active.scriptURL]))"""
CACHED = """const done = arguments[0]; caches.keys().then((names) => Promise.all(names.map((name) =>
    caches.open(name).then((cache) => cache.keys())))).then((found) =>
    done(found.flat().map(({url}) => new URL(url).pathname).sort()))"""
FULL = """const full = document.fullscreenElement?.closest(".camera");
    return full ? full.hidden ? "hidden" : full.dataset.camera : null"""
ZOOM = "return document.querySelector('.camera:not([hidden]) .picture').style.transform"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with serve(tmp_path_factory.mktemp("recordings"), *CAMERAS) as running:
        wait_for(lambda: state(running, "b")["state"] == "live", "the cameras")
        yield running


@pytest.fixture
def page(browser: Page, server: ServerProcess) -> Iterator[Page]:
    browser.look(390, 844)
    browser.open(server.http + "/#a")
    browser.wait(lambda: browser.text(".camera .name") == "a", "the camera")
    yield browser
    browser.chrome.execute_script("localStorage.clear()")
    browser.look()


def touch(page: Page, kind: str, *points: tuple[float, float]) -> None:
    """Put fingers on the page, move them, or lift all of them."""
    given = [{"x": x, "y": y, "id": at} for at, (x, y) in enumerate(points)]
    page.chrome.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": given})


def middle(page: Page) -> tuple[float, float]:
    box = page.chrome.execute_script(
        "const box = document.querySelector('.camera:not([hidden]) .stage')"
        ".getBoundingClientRect(); return [box.left + box.width / 2, box.top + box.height / 2]"
    )
    return box[0], box[1]


def swiped(page: Page, by: float, name: str) -> bool:
    """Swipe, and return True if this camera is shown then. A slow swipe is none."""
    x, y = middle(page)
    touch(page, "touchStart", (x - by, y))
    touch(page, "touchMove", (x + by, y))
    touch(page, "touchEnd")
    return page.text(".camera .name") == name


@pytest.mark.usefixtures("service_worker")
def test_the_app_can_be_installed_and_says_that_its_server_is_away(
    browser: Page, tmp_path: Any
) -> None:
    with serve(tmp_path, *CAMERAS) as server:
        port = urlsplit(server.http).port or 0
        browser.open(server.http + "/")
        scope, script = browser.chrome.execute_async_script(WORKER)
        assert (scope, script) == (server.http + "/", server.http + "/service-worker.js")
        errors = browser.chrome.execute_cdp_cmd("Page.getInstallabilityErrors", {})
        found = [each["errorId"] for each in errors["installabilityErrors"]]
        assert [each for each in found if each != "in-incognito"] == []
        manifest = browser.chrome.execute_cdp_cmd("Page.getAppManifest", {})
        assert (manifest["errors"], manifest["url"]) == (
            [],
            server.http + "/static/app.webmanifest",
        )
        browser.open(server.http + "/")  # now by the worker
        kept = browser.chrome.execute_async_script(CACHED)
        assert "/static/offline.html" in kept
        assert [each for each in kept if not each.startswith("/static/")] == []
        assert not re.search("app|views|live|api", " ".join(kept))
    browser.chrome.get(server.http + "/")
    browser.wait(lambda: "does not answer" in browser.text("h2"), "a page that says it")
    browser.shoot("offline-light-1280")
    assert violations(browser, [(390, 844, True)]) == []
    with serve(tmp_path, *CAMERAS, port=port):
        browser.chrome.execute_script("dispatchEvent(new Event('online'))")
        browser.wait(lambda: browser.text("#link") == "Connected", "the page again")
        browser.leave()


def test_swipes_show_the_camera_beside_and_two_fingers_zoom(page: Page) -> None:
    page.wait(lambda: swiped(page, -60, "b"), "the next camera")
    page.wait(lambda: swiped(page, 60, "a"), "the camera before")
    x, y = middle(page)
    assert page.chrome.execute_script(ZOOM) == ""
    touch(page, "touchStart", (x - 20, y), (x + 20, y))
    touch(page, "touchMove", (x - 20, y), (x + 60, y))
    touch(page, "touchEnd")
    page.wait(lambda: page.chrome.execute_script(ZOOM).endswith("scale(2)"), "twice the size")
    before = page.chrome.execute_script(ZOOM)
    touch(page, "touchStart", (x, y))
    touch(page, "touchMove", (x + 80, y))  # a zoomed picture is moved
    touch(page, "touchEnd")
    page.wait(lambda: page.chrome.execute_script(ZOOM) not in (before, ""), "a move")
    assert page.text(".camera .name") == "a"
    for _ in range(2):
        page.click(".camera:not([hidden]) .zoom-out")
    assert page.chrome.execute_script(ZOOM) == ""


@pytest.mark.usefixtures("tab")
def test_full_screen_follows_a_swipe_and_ends_for_all_cameras(
    browser: Page, server: ServerProcess
) -> None:
    browser.look(390, 844)
    browser.open(server.http + "/#a")
    browser.wait(browser.is_live, "the picture")
    browser.click(".camera:not([hidden]) .full")
    for by, name in ((-60, "b"), (60, "a"), (-60, "b")):
        browser.wait(lambda: browser.chrome.execute_script(FULL) is not None, "full screen")
        browser.wait(lambda: swiped(browser, by, name), "the other camera")  # noqa: B023
        browser.wait(lambda: browser.chrome.execute_script(FULL) == name, "its picture")  # noqa: B023
    browser.chrome.execute_script("document.exitFullscreen()")
    browser.wait(lambda: browser.chrome.execute_script(FULL) is None, "the end of full screen")
    assert browser.is_live()
    browser.look()


def test_a_phone_on_its_side_shows_the_whole_picture(page: Page) -> None:
    page.look(844, 390)
    page.wait(lambda: page.text(".figures") != "", "a picture")
    bottom = "return document.querySelector('.picture').getBoundingClientRect().bottom"
    assert page.chrome.execute_script(bottom) <= 390
    page.shoot("phone-light-844")


def test_the_data_saver_asks_for_smaller_pictures(page: Page, server: ServerProcess) -> None:
    page.wait(lambda: page.text(".figures").startswith("JPEG"), "JPEG")
    page.click("#data-saver")
    page.wait(lambda: page.text(".figures").startswith("H.264 640 × 360"), "small H.264")
    assert state(server, "a")["transcoding"] == "mjpeg→h264 640x360: 1 viewer"
    page.open(server.http + "/#a")
    page.wait(lambda: page.text(".figures").startswith("H.264 640 × 360"), "it is remembered")
    page.click("#data-saver")
    page.wait(lambda: page.text(".figures").startswith("JPEG"), "JPEG again")
