"""Zones, ignored areas and privacy masks drawn in the page, and boxes around what moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.chromium import Page
from tests.support.http_server import serve
from tests.support.process import ServerProcess, wait_for

CAMERAS = (
    "--camera",
    "door=pattern:?size=320x240&fps=10",
    "--camera",
    "yard=pattern:?size=320x240&fps=5",
)
CORNERS = "return document.querySelectorAll('[data-camera=door] .corner').length"
SHAPES = "return document.querySelectorAll('[data-camera=door] .layer polygon').length"
OPEN = "document.querySelector('[data-camera=door] .areas').open = true"
PLACE = """
const layer = document.querySelector("[data-camera=door] .layer");
layer.scrollIntoView({block: "center"});
const {left, top, width, height} = layer.getBoundingClientRect();
return [left, top, width, height];
"""
BOXES = "return document.querySelectorAll('[data-camera=door] .layer rect').length"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("areas")
    with serve(folder, *CAMERAS, "--motion", "record=off") as running:
        wait_for(lambda: running.status("door")["state"] == "live", "a picture")
        yield running


@pytest.fixture
def page(browser: Page, server: ServerProcess) -> Page:
    browser.look()
    browser.open(server.http + "/#door")
    browser.wait(browser.is_live, "the picture")
    if not browser.chrome.execute_script("return document.querySelector('.areas').open"):
        browser.click("[data-camera=door] .areas summary")
    browser.wait(lambda: browser.find(".area-add").is_enabled(), "what the server uses")
    return browser


def areas(server: ServerProcess) -> dict[str, str]:
    lines = [line.partition(": ") for line in server.command_lines("areas door")]
    return {key: value for key, _, value in lines if value}


def first_corner(text: str) -> tuple[float, ...]:
    return tuple(float(each) for each in text.rpartition(": ")[2].split()[0].split(","))


def test_a_zone_is_drawn_with_keys_and_mouse_and_used(page: Page, server: ServerProcess) -> None:
    from selenium.webdriver import ActionChains, Keys

    page.click(".area-add")
    assert page.chrome.execute_script(CORNERS) == 4
    page.keys(Keys.ARROW_LEFT * 5 + Keys.ARROW_UP)  # the first corner has the focus
    ActionChains(page.chrome).key_down(Keys.SHIFT).send_keys(Keys.ARROW_UP).key_up(
        Keys.SHIFT
    ).perform()
    page.keys(Keys.TAB)
    label = "return document.activeElement.getAttribute('aria-label')"
    assert page.chrome.execute_script(label).startswith("Corner 2 of 4 of zone zone 1: 65 %")
    page.keys(Keys.ENTER)
    assert page.chrome.execute_script(CORNERS) == 5
    page.keys(Keys.DELETE)
    assert page.chrome.execute_script(CORNERS) == 4
    last = page.find("[data-camera=door] .corner[data-corner='2']")
    picture = page.find("[data-camera=door] .layer").size
    drag = ActionChains(page.chrome).click_and_hold(last)
    drag.move_by_offset(round(picture["width"] / 5), 0).release().perform()
    page.shoot("areas-1280")
    page.keys(Keys.ESCAPE)
    assert page.chrome.execute_script(CORNERS) == 0
    assert page.chrome.current_url.endswith("#door")  # the camera stays open
    page.click(".area-apply")
    page.wait(lambda: areas(server)["zones"] != "none", "the zone")
    name, _, corners = areas(server)["zones"].partition(": ")
    points = [tuple(float(each) for each in corner.split(",")) for corner in corners.split()]
    assert (name, points[0], points[1]) == ("zone 1", (0.3, 0.29), (0.65, 0.35))
    assert points[2] == pytest.approx((0.85, 0.65), abs=0.01)
    assert page.complaints() == []


def place_of_layer(page: Page, frames: int = 0) -> list[float]:
    """The place of the layer with the areas, after so many frames of the browser."""
    later = f"""
    const [done, place] = [arguments[0], () => {{ {PLACE} }}];
    let left = {frames};
    const step = () => (left-- > 0 ? requestAnimationFrame(step) : done(place()));
    step();"""
    found: list[float] = page.chrome.execute_async_script(later)
    return found


def fingers(page: Page, kind: str, *points: tuple[float, float]) -> None:
    given = [{"x": x, "y": y, "id": at} for at, (x, y) in enumerate(points)]
    page.chrome.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": given})


def test_a_finger_drags_a_corner_and_a_zone_and_a_second_one_does_nothing(
    tab: None, page: Page, server: ServerProcess
) -> None:
    server.command_lines("areas zones door a: 0.2,0.2 0.5,0.2 0.5,0.5 0.2,0.5")
    page.look(390, 844)
    page.wait(lambda: "a" in page.text(".area-list").split(), "the zone")
    page.wait(lambda: place_of_layer(page) == place_of_layer(page, 20), "a layout that stays")
    left, top, width, height = place_of_layer(page)

    def place(x: float, y: float) -> tuple[float, float]:
        return left + x * width, top + y * height

    fingers(page, "touchStart", place(0.35, 0.35))  # within it: selects, and drags all of it
    fingers(page, "touchMove", place(0.7, 0.45))  # as quick as a swipe to the next camera
    fingers(page, "touchEnd")
    page.wait(lambda: page.chrome.execute_script(CORNERS) == 4, "its corners")
    assert page.text(".camera:not([hidden]) .name") == "door"
    fingers(page, "touchStart", place(0.85, 0.6))  # a corner
    fingers(page, "touchStart", place(0.85, 0.6), place(0.1, 0.1))
    fingers(page, "touchMove", place(0.95, 0.8), place(0.1, 0.1))
    fingers(page, "touchMove", place(0.95, 0.8), place(0.1, 0.9))
    fingers(page, "touchEnd")
    page.shoot("areas-touch-390")
    page.click(".area-apply")
    page.wait(lambda: not areas(server)["zones"].startswith("a: 0.2,0.2"), "the change")
    corners = areas(server)["zones"].partition(": ")[2].split()
    found = [tuple(float(each) for each in corner.split(",")) for corner in corners]
    assert found[0] == pytest.approx((0.55, 0.3), abs=0.01)
    assert found[2] == pytest.approx((0.95, 0.8), abs=0.01)
    server.command_lines("areas zones door none")
    page.wait(lambda: "a" not in page.text(".area-list").split(), "no zone")


def test_areas_are_drawn_in_firefox(fox: Any, server: ServerProcess) -> None:
    from marionette_driver.marionette import ActionSequence

    server.command_lines("areas zones door a: 0.2,0.2 0.5,0.2 0.5,0.5 0.2,0.5")
    fox.navigate(server.http + "/#door")
    fox.execute_script(OPEN)
    wait_for(lambda: fox.execute_script(SHAPES) == 1, "the zone")
    left, top, width, height = fox.execute_script(PLACE)

    def drag(kind: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        pointer = ActionSequence(fox, "pointer", kind, {"pointerType": kind})
        (x0, y0), (x1, y1) = ((left + x * width, top + y * height) for x, y in (start, end))
        pointer.pointer_move(round(x0), round(y0)).pointer_down()
        pointer.pointer_move(round(x1), round(y1), 100).pointer_up().perform()

    drag("mouse", (0.35, 0.35), (0.35, 0.35))  # selects it
    wait_for(lambda: fox.execute_script(CORNERS) == 4, "its corners")
    drag("mouse", (0.5, 0.2), (0.9, 0.2))
    drag("touch", (0.9, 0.2), (0.8, 0.1))
    fox.execute_script("document.querySelector('[data-camera=door] .area-apply').click()")
    wait_for(lambda: not areas(server)["zones"].startswith("a: 0.2,0.2 0.5,0.2"), "the change")
    corner = tuple(float(each) for each in areas(server)["zones"].split()[2].split(","))
    assert corner == pytest.approx((0.8, 0.1), abs=0.02)
    server.command_lines("areas zones door none")
    fox.navigate("about:blank")


def test_what_another_client_sets_is_shown_and_undo_takes_a_change_back(
    page: Page, server: ServerProcess
) -> None:
    server.command_lines("areas ignore door 0,0 1,0 1,0.2")
    page.wait(lambda: "Ignored area 1" in page.text(".area-list"), "the other's area")
    page.click(".area-list li:last-child .area-delete")
    page.wait(lambda: "Ignored area 1" not in page.text(".area-list"), "it is gone")
    page.click(".area-undo")
    assert "Ignored area 1" in page.text(".area-list")
    assert not page.find(".area-apply").is_enabled()
    server.command_lines("areas ignore door none")


def test_a_privacy_mask_is_black_in_the_picture(page: Page, server: ServerProcess) -> None:
    page.chrome.execute_script(
        "const kind = document.querySelector('.area-kind'); kind.value = 'privacy';"
        "kind.dispatchEvent(new Event('change'))"
    )
    page.click(".area-add")
    page.click(".area-apply")
    page.wait(lambda: areas(server)["privacy"] != "none", "the mask")
    middle = """
    const picture = document.querySelector("[data-camera=door] .picture");
    const [x, y] = [picture.width / 2, picture.height / 2];
    const {data} = picture.getContext("2d").getImageData(x, y, 1, 1);
    return Math.max(data[0], data[1], data[2]);
    """
    page.wait(lambda: page.chrome.execute_script(middle) < 20, "a black picture")
    page.look(390, 844, dark=True)
    overflow = "return document.documentElement.scrollWidth - innerWidth"
    assert page.chrome.execute_script(overflow) <= 0
    page.shoot("areas-390")
    server.command_lines("areas privacy door none")
    page.wait(lambda: "Privacy" not in page.text(".area-list"), "no mask")


def test_boxes_follow_what_moves_while_they_are_shown(page: Page, server: ServerProcess) -> None:
    server.command_lines("areas zones door none")
    page.click(".show-boxes")
    page.wait(lambda: page.chrome.execute_script(BOXES), "a box")
    page.shoot("areas-boxes")
    page.chrome.refresh()
    page.wait(lambda: page.chrome.execute_script(BOXES), "a box after a reload")
    page.click("[data-camera=door] .areas summary")
    page.click(".show-boxes")
    assert page.chrome.execute_script(BOXES) == 0
