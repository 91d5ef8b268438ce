"""Accessibility of the page: axe-core, live regions, focus, keys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from tests.support.axe import violations
from tests.support.chromium import Page
from tests.support.fakes import TINY_JPEG, InlineThread
from tests.support.http_server import serve, state
from tests.support.process import ServerProcess, wait_for
from twistedcam.automation.database import Database
from twistedcam.automation.event_store import EventStore, StoredEvent

CAMERAS = (
    "--camera",
    "door=pattern:?size=320x240&fps=10",
    "--camera",
    "yard=pattern:?size=320x240&fps=5",
)
#: Live regions, besides alerts.
LIVE = """
const said = (each) => each.ariaLive ?? each.getAttribute("aria-live")
  ?? {status: "polite", alert: "assertive", log: "polite"}[each.getAttribute("role")]
  ?? (each.matches("output") ? "polite" : "off");
return [...document.querySelectorAll("[aria-live], [role], output")]
  .filter((each) => said(each) === "polite").map((each) => each.id || each.className);
"""
#: The element with the focus: what it is; and what is wrong with it.
STOP = """
const each = document.activeElement;
if (!each || each === document.body) return null;
const { left, top, width, height } = each.getBoundingClientRect();
const [x, y] = [left + width / 2, top + Math.min(height / 2, 12)];
const over = document.elementFromPoint(x, y);
const faults = [];
// Browsers mark the focus in the parts of a video and of a date themselves.
const hasParts = each.matches("video, input[type=date]");
if (getComputedStyle(each).outlineStyle === "none" && !hasParts) faults.push("no outline");
if (!over || !(each.contains(over) || over.contains(each))) faults.push("covered");
return [each.id || each.className || each.tagName, faults];
"""
FOCUS = (
    "return document.activeElement.closest('[data-camera]')?.dataset.camera + ' ' + "
    "document.activeElement.className"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


def add_events(folder: Path) -> None:
    """Add an event with a picture, one without, and one of each other kind."""
    store = EventStore(folder, Database(folder, InlineThread, Clock(), print), InlineThread)
    now = time.time()
    store.add(StoredEvent("seen", "door", "motion", None, now, now + 5, 80.0, "path"))
    store.add_picture("seen", TINY_JPEG)
    store.add(StoredEvent("found", "yard", "cat", "detection", now - 86400, now - 86390))
    store.add(StoredEvent("fault", None, "fault", "disk", now, now, reason="the disk is full"))


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServerProcess]:
    add_events(folder)
    with serve(folder, *CAMERAS) as running:
        for camera in ("door", "yard"):
            wait_for(lambda camera=camera: running.status(camera)["state"] == "live", "a picture")  # type: ignore[misc]
        (folder / "broken.mp4").write_bytes(b"no film " * 128)
        running.command_lines("snapshot door porch.jpg", "record start door visit.mp4")
        wait_for(lambda: state(running, "door")["recording_bytes"], "some of it")
        running.command_lines("record stop door")
        yield running


@pytest.fixture
def page(browser: Page, server: ServerProcess) -> Page:
    browser.look()
    browser.open(server.http + "/")
    browser.wait(lambda: browser.text(".figures").count(" old") == 2, "two pictures")
    browser.wait(lambda: len(browser.names()) >= 3, "the list")
    return browser


def test_axe_finds_no_violations(page: Page, server: ServerProcess) -> None:
    few = [(1280, 900, False), (390, 844, True)]
    page.wait(lambda: page.text("#event-list .event-name") == "Motion\nCat", "the events")
    choose = "const kind = document.querySelector('#event-kind'); kind.value = '';"
    page.chrome.execute_script(choose + "kind.dispatchEvent(new Event('change'))")
    page.wait(lambda: "Fault: disk" in page.text("#event-list"), "all events")
    assert violations(page) == []
    page.chrome.get(f"{server.http}/#door")
    page.wait(lambda: page.text(".slider"), "its settings")
    page.chrome.execute_script("""
        return import("/static/lib/messages.js").then(({ showMessage }) => {
          showMessage("It failed", true);
          showMessage("A note");
        });""")
    assert violations(page) == []
    for name, shown in (("visit.mp4", "video"), ("porch.jpg", "img"), ("broken.mp4", ".fault")):
        page.click(f".recording[data-name='{name}'] .thumb")
        page.wait(lambda shown=shown: page.find(f"#player {shown}").is_displayed(), "the player")  # type: ignore[misc]
        assert violations(page, few, "#player") == [], name
        page.click("#player button[aria-label=Close]")
    page.click(".recording[data-name='visit.mp4'] .delete")
    assert violations(page, few, "#ask") == []
    page.click("#ask button[value=no]")
    page.click("#server-open")
    page.wait(lambda: page.text("#server-about"), "the versions")
    assert violations(page, few, "#server") == []
    page.click("#server button[aria-label=Close]")
    page.click("#timeline-day")
    assert violations(page, few, "#calendar") == []
    page.click("#calendar .actions button")
    page.chrome.get(f"{server.http}/#/wall")
    page.click("#wall-arrange")
    assert violations(page, few) == []


def walk(page: Page, most: int = 90) -> list[str]:
    """Press Tab until the focus leaves the page; return what had it, each without a fault."""
    stops = []
    while len(stops) < most:
        page.keys("\ue004")
        stop = page.chrome.execute_script(STOP)
        if stop is None:
            return stops
        assert stop[1] == [], stop
        stops.append(stop[0])
    return stops


def test_the_tab_key_reaches_everything_and_is_never_caught(page: Page) -> None:
    stops = walk(page)
    assert len(stops) < 90, "the focus has left the page"
    assert stops[:5] == ["skip", "skip", "skip", "skip", "brand"]
    wanted = ["open", "primary toggle", "record", "timeline-bar", "event-kind", "recordings-search"]
    wanted += ["ghost rename", "keys", "language", "server-open"]
    assert [each for each in stops if each in wanted][-4:] == wanted[-4:]
    assert set(wanted) <= set(stops)


def test_escape_closes_a_dialog_and_the_focus_returns(page: Page) -> None:
    for selector, dialog in (
        ("#server-open", "#server"),
        ("#timeline-day", "#calendar"),
        (".recording .rename", "#rename"),
    ):
        page.wait(lambda each=selector: page.find(each).is_displayed(), "its button")  # type: ignore[misc]
        page.chrome.execute_script("document.querySelector(arguments[0]).focus()", selector)
        page.keys("\ue007")
        page.wait(lambda each=dialog: page.find(each).is_displayed(), "the dialog")  # type: ignore[misc]
        inside = "return document.querySelector(arguments[0]).contains(document.activeElement)"
        assert page.chrome.execute_script(inside, dialog), dialog
        page.keys("\ue00c")
        page.wait(lambda each=dialog: not page.find(each).is_displayed(), "its end")  # type: ignore[misc]
        back = "return document.activeElement === document.querySelector(arguments[0])"
        assert page.chrome.execute_script(back, selector), dialog


def test_one_region_announces_changes_and_statistics_are_silent(
    page: Page, server: ServerProcess
) -> None:
    # Behind the dialog of the settings nothing is announced: it has a region of its own.
    assert page.chrome.execute_script(LIVE) == ["news", "options-state"]
    page.chrome.execute_script("""
        window.heard = [];
        new MutationObserver((changes) => {
          for (const {addedNodes} of changes) {
            for (const node of addedNodes) heard.push(node.textContent);
          }
        }).observe(document.querySelector("#news"), {childList: true});
    """)
    page.click("[data-camera=yard] .toggle")
    heard = "return window.heard"
    page.wait(lambda: "yard: Stopped" in page.chrome.execute_script(heard), "its stop told")
    page.click("[data-camera=yard] .toggle")
    page.wait(lambda: "yard: Live" in page.chrome.execute_script(heard), "its start told")
    assert not any("fps" in each or "/s" in each for each in page.chrome.execute_script(heard))


def test_an_error_is_an_alert_until_it_is_closed(page: Page) -> None:
    page.chrome.execute_script("""
        window.timers = [];
        const later = window.setTimeout;
        window.setTimeout = (call, wait) => { window.timers.push(call); return later(call, wait); };
        return import("/static/lib/messages.js").then(({ showMessage }) => {
          showMessage("first", true);
          showMessage("a note");
          showMessage("second", true);
          showMessage("first", true);
        });
    """)
    page.chrome.execute_script("for (const call of window.timers) call()")
    assert page.text(".toast").split("\n") == ["second", "first"]
    assert page.find(".toast").get_dom_attribute("role") == "alert"
    page.click(".toast:first-child button")
    assert page.text(".toast") == "first"
    page.click(".toast button")
    assert page.chrome.execute_script("return document.activeElement.id") == "cameras"


def test_the_camera_shown_alone_has_the_focus_until_going_back(page: Page) -> None:
    page.chrome.execute_script("document.querySelector('[data-camera=yard] .open').click()")
    page.wait(lambda: page.chrome.execute_script(FOCUS) == "yard name", "the heading's focus")
    page.click("#back")
    page.wait(lambda: page.chrome.execute_script(FOCUS) == "yard open", "the way back")
    page.chrome.execute_script("document.querySelector('[data-camera=yard] .open').click()")
    page.wait(lambda: page.chrome.execute_script(FOCUS) == "yard name", "the heading's focus")
    page.chrome.execute_script("document.querySelector('.skip[href=\"#recordings\"]').click()")
    assert page.chrome.execute_script("return document.activeElement.id") == "recordings"
    assert page.chrome.current_url.endswith("#yard")
    page.chrome.execute_script("location.hash = ''")


def test_the_keys_setting_is_remembered(page: Page, server: ServerProcess) -> None:
    page.chrome.get(f"{server.http}/#yard")
    page.wait(lambda: page.text(".camera .name") == "yard", "it alone")
    page.click("#keys")
    assert page.text("#keys-list") == ""
    page.chrome.refresh()
    page.wait(lambda: page.text("#link") == "Connected", "the page again")
    page.wait(lambda: page.text("[data-camera=yard] .state") == "Live", "a live camera")
    page.wait(lambda: page.find("[data-camera=yard] .record").is_enabled(), "a button to record")
    assert not page.find("#keys").is_selected()
    assert page.find("[data-camera=yard] .toggle").get_dom_attribute("aria-keyshortcuts") is None
    page.keys("r")
    page.keys("s")
    page.click("#keys")
    page.wait(lambda: page.find("#keys-list").is_displayed(), "the keys")
    page.keys("r")  # the switch has the focus, and takes no letters
    page.wait(
        lambda: state(server, "yard")["recording"], "a recording: the first thing that was done"
    )
    assert state(server, "yard")["state"] == "live"
    page.wait(lambda: page.text(".record") == "End recording", "it on the page")
    page.keys("e")
    page.wait(lambda: not state(server, "yard")["recording"], "its end")
