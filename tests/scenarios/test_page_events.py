"""The gallery of events: by day with pictures, filters, and the recording at that moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chromium import Page
from tests.support.http_server import serve
from tests.support.process import ServerProcess, wait_for

#: The camera ``door`` sees a cat while the file exists, ``yard`` a dog.
CODE = """
from pathlib import Path

def find(frame, kind):
    seen = (Path(__file__).parent / kind).exists()
    zone = "path" if kind == "cat" else "lawn"
    found = {"event": "begin" if seen else "end", "kind": kind, "score": 50, "zone": zone}
    return found | {"record": kind == "dog"}

def cats(frame):
    return find(frame, "cat")

def dogs(frame):
    return find(frame, "dog")
"""
CAMERAS = (
    *("--camera", "door=pattern:?size=320x240&fps=10&title=Front%20door"),
    *("--camera", "yard=pattern:?size=320x180&fps=10"),
    *("--process", "door=found:cats", "--process", "yard=found:dogs", "--process-in", "thread"),
)
SIZES = ((390, 844), (768, 1024), (1280, 900), (1920, 1080))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gallery")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServerProcess]:
    """A server that has seen a cat, whose recording is complete, and still sees a dog."""
    (folder / "found.py").write_text(CODE)
    with serve(folder / "recordings", *CAMERAS, env={"PYTHONPATH": str(folder)}) as running:
        wait_for(lambda: running.status("door.cats")["state"] == "live", "the code")
        running.command_lines("record start door visit.mp4")
        (folder / "cat").touch()
        wait_for(lambda: "kind: cat" in running.command_lines("events door"), "the cat")
        (folder / "cat").unlink()
        wait_for(lambda: "end: none" not in running.command_lines("events --kind cat"), "its end")
        wait_for(lambda: float(running.status("door")["recording_seconds"]) > 1.5, "its length")
        running.command_lines("record stop door")
        (folder / "dog").touch()
        wait_for(lambda: "kind: dog" in running.command_lines("events yard"), "the dog")
        yield running


@pytest.fixture
def page(browser: Page, server: ServerProcess) -> Page:
    browser.look()
    browser.open(server.http + "/")
    return browser


def names(page: Page) -> list[str]:
    return page.text("#event-list .event-name").splitlines()


def test_the_gallery_shows_events_by_day_and_plays_the_recording_at_that_moment(page: Page) -> None:
    page.wait(lambda: names(page) == ["Dog", "Cat"], "the events")
    assert page.text("#event-list .day") == "Today"
    assert "Front door · path" in page.text("#event-list .at")
    assert page.text("#event-list [data-lasts='true'] .length") == "Now"
    loaded = "return [...document.querySelectorAll('.event img')].every(e => e.naturalWidth > 100)"
    page.wait(lambda: page.chrome.execute_script(loaded), "the pictures")
    for width, height in SIZES:
        page.look(width, height, dark=width in (390, 1920))
        overflow = "return document.documentElement.scrollWidth - innerWidth"
        assert page.chrome.execute_script(overflow) <= 0
        page.shoot(f"events-{width}")
    page.look()
    page.click("#event-list .event[data-lasts='false'] .thumb")
    page.wait(page.plays, "the recording")
    assert page.text("#player-title") == "visit.mp4"
    source = page.chrome.execute_script("return document.querySelector('#player-video').src")
    assert "/recordings/visit.mp4#t=" in source or source.endswith("/recordings/visit.mp4")
    page.click(".player-head button")
    page.click("#event-list .event[data-lasts='true'] .thumb")  # it is still recorded
    moved = "return document.querySelector('#playback video')?.currentTime > 0.3"
    page.wait(lambda: page.chrome.execute_script(moved), "what was recorded so far")
    page.shoot("events-playing")
    assert page.complaints() == []


def test_events_are_filtered_by_camera_kind_and_day(page: Page) -> None:
    from selenium.webdriver.support.select import Select

    page.wait(lambda: names(page) == ["Dog", "Cat"], "the events")
    Select(page.find("#event-camera")).select_by_visible_text("Front door")
    page.wait(lambda: names(page) == ["Cat"], "one camera")
    Select(page.find("#event-kind")).select_by_visible_text("Dog")
    page.wait(lambda: page.text("#event-list") == "No such events.", "no event")
    Select(page.find("#event-camera")).select_by_visible_text("All cameras")
    page.wait(lambda: names(page) == ["Dog"], "one kind")
    Select(page.find("#event-kind")).select_by_visible_text("Motion and detections")
    Select(page.find("#event-zone")).select_by_visible_text("path")
    page.wait(lambda: names(page) == ["Cat"], "one zone")
    Select(page.find("#event-zone")).select_by_visible_text("All zones")
    Select(page.find("#event-kind")).select_by_visible_text("States of cameras")
    page.wait(lambda: "Live" in names(page), "states")
    set_day = "const day = document.querySelector('#event-day'); day.value = arguments[0];"
    set_day += "day.dispatchEvent(new Event('change'))"
    page.chrome.execute_script(set_day, "2020-01-01")
    page.wait(lambda: page.text("#event-list") == "No such events.", "an empty day")
    assert page.complaints() == []


def test_an_event_appears_when_it_happens_and_goes_with_its_recording(
    page: Page, server: ServerProcess, folder: Path
) -> None:
    page.wait(lambda: names(page) == ["Dog", "Cat"], "the events")
    (folder / "cat").touch()
    page.wait(lambda: names(page) == ["Cat", "Dog", "Cat"], "another cat")
    (folder / "cat").unlink()
    server.command_lines("recordings delete visit.mp4")
    page.wait(lambda: names(page) == ["Cat", "Dog"], "the list without it")
    assert page.complaints() == []


def test_without_events_the_gallery_says_how_motion_is_detected(
    browser: Page, tmp_path: Path
) -> None:
    with serve(tmp_path, "--camera", "door=pattern:?size=160x120&fps=5") as server:
        browser.look()
        browser.open(server.http + "/")
        browser.wait(lambda: "Motion detection is off" in browser.text("#event-list"), "that")
        browser.click(".motion")
        browser.wait(lambda: "Motion detection is off" not in browser.text("#event-list"), "it on")
        browser.leave()
