"""The page in a real browser."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sources.test_file import film
from tests.support.chromium import Page, chromium
from tests.support.http_server import serve, state
from tests.support.process import PATIENCE, ServerProcess, wait_for

DOOR = ("--camera", "door=pattern:?size=640x360&fps=15", "--record", "preroll=5s")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServerProcess]:
    with serve(folder, *DOOR) as running:
        wait_for(lambda: running.status().get("state") == "live", "a picture")
        yield running


@pytest.fixture
def page(browser: Page, server: ServerProcess) -> Iterator[Page]:
    browser.look()
    browser.open(server.http + "/")
    browser.complaints()
    yield browser
    assert browser.complaints() == []


def patch(server: ServerProcess, properties: dict[str, int]) -> None:
    """Set properties over the API."""
    request = urllib.request.Request(
        f"{server.http}/api/v1/cameras/door", json.dumps(properties).encode(),
        {"Content-Type": "application/json"}, method="PATCH",
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert answer.status == 200


def test_the_picture_moves_and_its_age_is_measured(page: Page, server: ServerProcess) -> None:
    page.moves()
    shown = page.wait(lambda: "fps" in page.text(".figures") and page.text(".figures"), "figures")
    assert " ms old" in shown
    assert "· 0 ms old" not in shown
    page.wait(lambda: state(server)["viewers"] == 1, "one viewer")
    page.shoot("one-light-1280")


def test_the_figures_of_a_camera_without_areas_need_no_layout(page: Page) -> None:
    """Each reading of a size makes the browser lay out the page: too slow with many cameras."""
    page.chrome.execute_script("""
        self.reads = 0;
        const count = { get() { self.reads += 1; return 0; }, configurable: true };
        Object.defineProperty(document.querySelector(".picture"), "offsetLeft", count);""")
    for _ in range(2):
        before = page.text(".facts")
        page.wait(lambda: page.text(".facts") != before, "later figures")  # noqa: B023
    reads = page.chrome.execute_script(
        "delete document.querySelector('.picture').offsetLeft; return self.reads"
    )
    assert reads == 0


def test_ages_use_the_fastest_response_and_its_error(page: Page) -> None:
    found = page.chrome.execute_script("""
        return import("/static/lib/clock.js").then(async ({ clock }) => {
          const { age } = await import("/static/lib/format.js");
          const made = new clock.constructor(), seen = [];
          // Asked, answered by a server 1000 ms ahead, heard: the first and the third late.
          for (const [asked, answered, heard] of [
            [0, 1001, 12], [20, 1021, 22], [30, 1031, 44], [50, 5051, 53],
          ]) {
            made.add(asked, answered, heard);
            seen.push([Math.round(made.offset), Math.round(made.error)]);
          }
          return [seen, age(4, 6.2), age(-0.3, 0.8), age(4, 1), age(1500, 1)];
        });
    """)
    assert found == [
        [[995, 6], [1000, 1], [1000, 1], [5000, 2]], "under 11 ms", "under 1 ms", "4 ms", "1.5 s",
    ]  # fmt: skip


def test_without_websockets_the_page_polls(page: Page, server: ServerProcess) -> None:
    page.open(server.http + "/?pictures=pull")
    page.moves()
    page.wait(lambda: " ms old" in page.text(".figures"), "a measured age")
    page.wait(lambda: state(server)["viewers"] == 1, "a viewer who pulls")


def test_stop_and_start_work_by_button_and_by_key(page: Page, server: ServerProcess) -> None:
    page.wait(page.is_live, "a live camera")
    page.click(".toggle")
    page.wait(lambda: page.text(".state") == "Stopped", "a stopped camera")
    assert state(server)["state"] == "stopped"
    assert page.find(".overlay").is_displayed()
    page.shoot("stopped-light-1280")
    page.keys(" ")
    page.wait(page.is_live, "a live camera")
    page.moves()
    page.keys("s")
    page.wait(lambda: page.text(".state") == "Stopped", "a stopped camera")
    page.click(".toggle")
    page.wait(page.is_live, "a live camera")


def test_each_key_runs_its_action(page: Page, server: ServerProcess) -> None:
    page.wait(page.is_live, "a live camera")
    page.keys("r")
    page.wait(lambda: state(server)["recording"], "a recording")
    page.wait(lambda: page.find(".rec").is_displayed(), "it on the page")
    page.keys("e")
    page.wait(lambda: not state(server)["recording"], "its end")
    page.keys("f")
    full = "return document.fullscreenElement?.className ?? ''"
    page.wait(lambda: page.chrome.execute_script(full) == "stage", "the picture alone")
    page.keys("f")
    page.wait(lambda: not page.chrome.execute_script(full), "all of the page")
    assert page.find(".toggle").get_dom_attribute("aria-keyshortcuts") == "s"
    page.chrome.execute_script("document.querySelector('.slider input').focus()")
    page.keys("s")  # in a field it is the field's
    assert state(server)["state"] == "live"


def test_the_last_seconds_are_saved_later(page: Page, server: ServerProcess) -> None:
    page.wait(lambda: page.text(".last").startswith("Save last "), "some seconds to save")
    page.click(".last")
    page.wait(lambda: "Saved door_" in page.text("#toasts"), "word of it")
    name = page.text("#toasts").partition("Saved ")[2].partition(",")[0]
    row = f".recording[data-name='{name}']"
    length = page.wait(lambda: page.text(f"{row} .length"), "it in the list")
    assert "0:01" <= length <= "0:06"
    with urllib.request.urlopen(f"{server.http}/recordings/{name}", timeout=PATIENCE) as film:
        assert film.read(12)[4:8] == b"ftyp"


def test_a_recording_is_made_played_and_deleted(page: Page, server: ServerProcess) -> None:
    page.wait(page.is_live, "a live camera")
    page.click(".record")
    page.wait(lambda: page.find(".rec").is_displayed(), "a recording")
    name = page.wait(lambda: state(server)["recording"], "its name")
    row = f".recording[data-name='{name}']"
    before = page.text(".rec")
    page.wait(lambda: page.text(".rec")[:4] > before[:4], "its time to go on")
    page.wait(lambda: page.text(f"{row} .kind") == "Recording…", "it in the list")
    page.wait(lambda: page.text(f"{row} .facts-line").endswith("· door"), "its camera's name")
    sums = set[str]()
    page.wait(lambda: sums.add(page.text("#recordings-sum")) or len(sums) > 2, "a sum that grows")
    page.keys("e")
    page.wait(lambda: not page.find(".rec").is_displayed(), "its end")
    page.wait(lambda: page.text(f"{row} .kind").lower() == "mp4", "its format")
    assert re.fullmatch(r"\d+:\d\d:\d\d [AP]M", page.text(f"{row} .title"))
    page.wait(
        lambda: page.chrome.execute_script(
            "return document.querySelector(arguments[0]).naturalWidth > 0", f"{row} img"
        ),
        "its thumbnail",
    )
    page.click(f"{row} .play")
    page.wait(page.plays, "it being played")
    page.shoot("playing-light-1280")
    page.click("#player button[aria-label=Close]")
    page.click(f"{row} .delete")
    page.wait(lambda: page.find("#ask").is_displayed(), "to be asked")
    page.click("#ask button[value=no]")
    assert page.find(row).is_displayed()
    page.click(f"{row} .delete")
    page.click("#ask button[value=yes]")
    page.wait(lambda: name not in page.names(), "a list without it")


def test_after_a_deletion_the_next_row_has_the_focus_and_keys_still_work(
    page: Page, server: ServerProcess
) -> None:
    page.wait(page.is_live, "a live camera")
    made = ("one.mp4", "two.mp4", "three.mp4")
    for name in made:
        server.command_lines(f"record start {name}")
        wait_for(lambda: state(server)["recording_bytes"], "some of it")
        server.command_lines("record stop")
    names = page.wait(lambda: {*made} <= {*page.names()} and page.names(), "them in the list")
    focus = "return document.activeElement.closest('.recording')?.dataset.name ?? 'none'"
    first, second = (f".recording[data-name='{name}']" for name in names[:2])
    page.wait(lambda: page.text(f"{second} .kind").lower() == "mp4", "the end of its writing")
    page.click(f"{first} .delete")
    page.click("#ask button[value=yes]")
    page.wait(lambda: names[0] not in page.names(), "a list without it")
    assert page.chrome.execute_script(focus) == names[1]
    page.chrome.execute_script("arguments[0].focus()", page.find(f"{second} .download"))
    page.keys("s")
    page.wait(lambda: page.text(".state") == "Stopped", "a stopped camera")
    page.keys(" ")
    page.wait(page.is_live, "a live camera")
    for name in page.names():
        server.command_lines(f"recordings delete {name}")
    page.wait(lambda: page.text("#recording-list").startswith("Nothing has been"), "an empty list")
    assert page.chrome.execute_script("return document.activeElement.id") == "recording-list"


def test_a_snapshot_is_saved(page: Page, server: ServerProcess, folder: Path) -> None:
    page.wait(page.is_live, "a live camera")
    page.click(".snap")
    page.wait(lambda: list(folder.glob("door_*.jpg")), "a picture in the folder")
    page.wait(lambda: "Saved door_" in page.text("#toasts"), "word of it")


def test_a_button_switches_motion_detection(page: Page, server: ServerProcess) -> None:
    page.wait(page.is_live, "a live camera")

    def is_pressed() -> bool:
        return bool(page.find(".motion").get_attribute("aria-pressed") == "true")

    page.click(".motion")
    page.wait(is_pressed, "a pressed button")
    assert state(server)["motion"] in ("quiet", "moving")
    page.click(".motion")
    page.wait(lambda: not is_pressed(), "a button that is not pressed")
    assert state(server)["motion"] == "off"


def test_a_slider_sets_its_property(page: Page, server: ServerProcess) -> None:
    page.wait(lambda: page.text(".slider"), "a slider")
    slider = page.find("[name=quality]")
    page.chrome.execute_script(
        "arguments[0].value = 40; arguments[0].dispatchEvent(new Event('change'))", slider
    )

    def quality() -> Any:
        url = f"{server.http}/api/v1/cameras/door/properties?property=quality"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return json.load(answer)["value"]

    page.wait(lambda: quality() == 40, "the quality")


def test_a_slider_shows_the_value_that_another_client_has_set(
    page: Page, server: ServerProcess
) -> None:
    def shows(value: int) -> bool:
        output = page.text(".slider:has([name=quality]) output")
        return str(value) == output == page.value("[name=quality]")

    page.wait(lambda: page.text(".slider"), "a slider")
    slider = page.find("[name=quality]")
    page.chrome.execute_script("arguments[0].focus()", slider)
    assert server.command_lines("set quality 33")[-1] == "OK"
    page.wait(lambda: shows(33), "what was set by telnet")
    page.chrome.execute_script("document.activeElement.blur()")
    patch(server, {"quality": 71, "fps": 14})
    page.wait(lambda: shows(71), "what was set over HTTP")
    page.wait(lambda: page.text(".slider:has([name=fps]) output") == "14 frames/s", "the rate")
    patch(server, {"quality": 80, "fps": 15})


def test_two_tabs_show_the_same_without_a_reload(page: Page, server: ServerProcess) -> None:
    chrome = page.chrome
    first = chrome.current_window_handle
    chrome.switch_to.new_window("tab")
    second = chrome.current_window_handle
    try:
        page.open(server.http + "/")
        page.wait(page.is_live, "a live camera")
        page.keys("s")
        for window in (second, first):
            chrome.switch_to.window(window)
            page.wait(lambda: page.text(".state") == "Stopped", "a stopped camera in both")
        page.click(".toggle")
        for window in (first, second):
            chrome.switch_to.window(window)
            page.wait(page.is_live, "a live camera in both")
        set_quality = "const [slider, value] = arguments; slider.value = value; "
        set_quality += "slider.dispatchEvent(new Event('change'))"
        for window, other, value in ((first, second, 62), (second, first, 80)):
            chrome.switch_to.window(window)
            chrome.execute_script(set_quality, page.find("[name=quality]"), value)
            chrome.switch_to.window(other)
            page.wait(lambda value=value: page.value("[name=quality]") == str(value), "it in both")  # type: ignore[misc]
    finally:
        chrome.switch_to.window(second)
        chrome.close()
        chrome.switch_to.window(first)


def test_the_page_fits_on_a_phone_in_dark_colours(page: Page) -> None:
    page.look(360, 740, dark=True)
    page.wait(page.is_live, "a live camera")
    page.moves()
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


def test_a_recording_named_with_a_space_is_visible(
    page: Page, server: ServerProcess, folder: Path
) -> None:
    film(folder / " .mp4", "libx264")
    page.chrome.refresh()
    row = ".recording[data-name=' .mp4']"
    page.wait(lambda: page.text(f"{row} .title") == "“ .mp4”", "it in the list")
    shown = f"""const it = document.querySelector("{row} img"); it?.scrollIntoView();
        return Boolean(it?.naturalWidth)"""
    page.wait(lambda: page.chrome.execute_script(shown), "its thumbnail")
    (folder / " .mp4").unlink()
    assert page.text("h1") == "twistedcam"


def test_every_button_and_field_has_a_name_for_a_screen_reader(page: Page) -> None:
    page.wait(page.is_live, "a live camera")
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
    # An MJPEG stream never ends, so the page never finishes loading.
    with chromium(tmp_path, "--blink-settings=scriptEnabled=false", load="none") as page:
        page.look()
        page.chrome.get(server.http + "/")
        wait_for(lambda: state(server)["viewers_http"] >= 1, "a viewer")
        wait_for(lambda: page.widths("noscript img")[:1] > [0], "the picture in its place")
        page.shoot("without-scripts")
