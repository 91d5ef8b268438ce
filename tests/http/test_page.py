"""The page in a real browser."""

from __future__ import annotations

import json
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.http.chromium import Page, chromium
from tests.process import ServerProcess, wait_for

DOOR = ("--camera", "door=pattern:?size=640x360&fps=15")
YARD = ("--camera", "yard=pattern:?size=320x240&fps=5")
LOST_WITHIN = 3.0


def free_port() -> int:
    """A port that a server can have again after it was killed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def serve(folder: Path, *options: str, port: int = 0) -> ServerProcess:
    """A server with a page."""
    return ServerProcess(folder, *options, "--http", f"tcp:{port}:interface=127.0.0.1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServerProcess]:
    with serve(folder, *DOOR) as running:
        wait_for(lambda: running.status().get("state") == "live", "a picture")
        yield running


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("downloads")) as page:
        yield page


@pytest.fixture
def page(browser: Page, server: ServerProcess) -> Iterator[Page]:
    browser.look()
    browser.open(server.http + "/")
    browser.complaints()
    yield browser
    assert browser.complaints() == []


def state(server: ServerProcess) -> dict[str, Any]:
    """The camera's status."""
    with urllib.request.urlopen(f"{server.http}/api/v1/status", timeout=20) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def is_live(page: Page) -> bool:
    return page.text(".state") == "Live" and not page.find(".veil").is_displayed()


def moves(page: Page, selector: str = ".picture") -> None:
    """See that the picture is a live one that goes on."""
    first = page.wait(lambda: page.stamp(selector), "a barcode on the screen")
    later = page.wait(
        lambda: (stamp := page.stamp(selector)) and stamp.number > first.number and stamp,
        "a later picture",
    )
    assert time.time() - later.time_us / 1e6 < 5


def test_the_picture_moves_and_its_age_is_measured(page: Page, server: ServerProcess) -> None:
    moves(page)
    shown = page.wait(lambda: "fps" in page.text(".figures") and page.text(".figures"), "figures")
    assert " ms old" in shown
    page.wait(lambda: state(server)["viewers"] == 1, "one viewer")
    page.shoot("one-light-1280")


def test_where_no_websocket_works_the_page_pulls(page: Page, server: ServerProcess) -> None:
    page.open(server.http + "/?pictures=pull")
    moves(page)
    page.wait(lambda: " ms old" in page.text(".figures"), "a measured age")
    page.wait(lambda: state(server)["viewers"] == 1, "a viewer who pulls")


def test_stop_and_start_do_so_by_button_and_by_key(page: Page, server: ServerProcess) -> None:
    page.wait(lambda: is_live(page), "a live camera")
    page.click(".toggle")
    page.wait(lambda: page.text(".state") == "Stopped", "a stopped camera")
    assert state(server)["state"] == "stopped"
    assert page.find(".veil").is_displayed()
    page.shoot("stopped-light-1280")
    page.keys(" ")
    page.wait(lambda: is_live(page), "a live camera")
    moves(page)
    page.keys("s")
    page.wait(lambda: page.text(".state") == "Stopped", "a stopped camera")
    page.click(".toggle")
    page.wait(lambda: is_live(page), "a live camera")


def test_a_recording_is_made_played_and_deleted(page: Page, server: ServerProcess) -> None:
    page.wait(lambda: is_live(page), "a live camera")
    page.click(".record")
    page.wait(lambda: page.find(".rec").is_displayed(), "a recording")
    page.wait(lambda: "0:02" in page.text(".rec"), "two seconds")
    page.keys("e")
    page.wait(lambda: not page.find(".rec").is_displayed(), "its end")
    page.wait(lambda: page.text(".recording .title").startswith("Today "), "it in the list")
    name = page.find(".recording").get_dom_attribute("data-name")
    assert name.startswith("door_")
    page.wait(lambda: page.text(".recording .kind").lower() == "mp4", "its format")
    page.wait(
        lambda: page.chrome.execute_script(
            "return document.querySelector('.recording img').naturalWidth > 0"
        ),
        "its thumbnail",
    )
    page.click(".recording .play")
    page.wait(
        lambda: page.chrome.execute_script(
            "return document.querySelector('#player-video').currentTime > 0.3"
        ),
        "it being played",
    )
    page.shoot("playing-light-1280")
    page.click("#player button[aria-label=Close]")
    page.click(".recording .delete")
    page.wait(lambda: page.find("#ask").is_displayed(), "to be asked")
    page.click("#ask button[value=no]")
    assert page.find(".recording").get_dom_attribute("data-name") == name
    page.click(".recording .delete")
    page.click("#ask button[value=yes]")
    page.wait(lambda: "Nothing has been recorded" in page.text("#shelf"), "an empty list")


def test_a_snapshot_is_saved(page: Page, server: ServerProcess, folder: Path) -> None:
    page.wait(lambda: is_live(page), "a live camera")
    page.click(".snap")
    page.wait(lambda: list(folder.glob("door_*.jpg")), "a picture in the folder")
    page.wait(lambda: "Saved door_" in page.text("#toasts"), "word of it")


def test_a_slider_sets_what_it_names(page: Page, server: ServerProcess) -> None:
    slider = page.wait(lambda: page.find(".slider [name=quality]"), "a slider")
    page.chrome.execute_script(
        "arguments[0].value = 40; arguments[0].dispatchEvent(new Event('change'))", slider
    )

    def quality() -> Any:
        url = f"{server.http}/api/v1/cameras/door/properties?property=quality"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return json.load(answer)["value"]

    page.wait(lambda: quality() == 40, "the quality")


def test_two_tabs_agree_without_being_reloaded(page: Page, server: ServerProcess) -> None:
    chrome = page.chrome
    first = chrome.current_window_handle
    chrome.switch_to.new_window("tab")
    second = chrome.current_window_handle
    try:
        page.open(server.http + "/")
        page.wait(lambda: is_live(page), "a live camera")
        page.keys("s")
        for window in (second, first):
            chrome.switch_to.window(window)
            page.wait(lambda: page.text(".state") == "Stopped", "a stopped camera in both")
        page.click(".toggle")
        for window in (first, second):
            chrome.switch_to.window(window)
            page.wait(lambda: is_live(page), "a live camera in both")
    finally:
        chrome.switch_to.window(second)
        chrome.close()
        chrome.switch_to.window(first)


def test_on_a_phone_in_the_dark_all_fits(page: Page) -> None:
    page.look(360, 740, dark=True)
    page.wait(lambda: is_live(page), "a live camera")
    moves(page)
    widths = page.chrome.execute_script(
        "return [document.documentElement.scrollWidth, innerWidth, "
        "getComputedStyle(document.body).backgroundColor]"
    )
    assert widths[0] <= 360
    assert widths[2] == "rgb(17, 20, 25)"
    too_small = page.chrome.execute_script(
        "return [...document.querySelectorAll('.tools button')].filter(b => b.offsetParent && "
        "b.getBoundingClientRect().height < 38).length"
    )
    assert too_small == 0
    page.shoot("one-dark-360")


def test_every_button_and_field_has_a_name_for_a_screen_reader(page: Page) -> None:
    page.wait(lambda: is_live(page), "a live camera")
    tree = page.chrome.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = {"button", "link", "slider", "checkbox", "combobox", "image", "img"}
    nameless = [
        page.chrome.execute_cdp_cmd(
            "DOM.describeNode", {"backendNodeId": node["backendDOMNodeId"]}
        )["node"]["attributes"]
        for node in tree
        if node.get("role", {}).get("value") in roles
        and not node.get("ignored")
        and not node.get("name", {}).get("value")
    ]
    assert nameless == []


def test_without_scripts_there_is_a_picture(server: ServerProcess, tmp_path: Path) -> None:
    with chromium(tmp_path, "--blink-settings=scriptEnabled=false") as page:
        page.look()
        page.chrome.set_page_load_timeout(5)
        try:
            page.chrome.get(server.http + "/")
        except Exception as error:  # an MJPEG stream never ends, so the page never is all there
            assert "timeout" in str(error).lower()
        wait_for(lambda: state(server)["viewers_http"] >= 1, "a viewer")
        page.shoot("without-scripts")


def test_a_lost_server_shows_within_three_seconds_and_comes_back(
    browser: Page, tmp_path: Path
) -> None:
    port = free_port()
    with serve(tmp_path, *DOOR, port=port) as server:
        browser.look()
        browser.open(server.http + "/")
        browser.wait(lambda: is_live(browser), "a live camera")
        # The page notes for itself when it knew, so that a slow test machine does not matter.
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
        browser.shoot("lost-light-1280")
    with serve(tmp_path, *DOOR, port=port):
        browser.wait(lambda: browser.text("#link") == "Connected", "the server again")
        moves(browser)
    browser.complaints()


def test_several_cameras_are_a_grid_and_one_click_opens_one(browser: Page, tmp_path: Path) -> None:
    with serve(tmp_path, *DOOR, *YARD, "--camera", "attic=webcam:/dev/none") as server:
        browser.look()
        browser.open(server.http + "/")
        browser.wait(lambda: browser.text(".camera .name") == "door\nyard\nattic", "three cameras")
        attic = "[data-camera=attic]"
        browser.wait(lambda: "No picture" in browser.text(f"{attic} .veil"), "why there is none")
        for name in ("door", "yard"):
            moves(browser, f"[data-camera={name}] .picture")
        browser.shoot("grid-light-1280")
        browser.look(dark=True)
        browser.shoot("grid-dark-1280")
        browser.click("[data-camera=yard] .open")
        browser.wait(lambda: browser.text(".camera .name") == "yard", "one camera alone")
        moves(browser, "[data-camera=yard] .picture")
        browser.shoot("alone-dark-1280")
        browser.click("#back")
        browser.wait(lambda: browser.text(".camera .name") == "door\nyard\nattic", "all three")
        browser.chrome.get("about:blank")
    browser.complaints()
