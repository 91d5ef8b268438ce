"""The timeline of the page: what was recorded is shown, played, selected, exported and kept."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium.webdriver import ActionChains

from tests.support.chromium import Page
from tests.support.http_server import serve, state
from tests.support.movies import make_numbered, numbered
from tests.support.process import ServerProcess, wait_for
from twistedcam.media import barcode
from twistedcam.media.frame import Frame
from twistedcam.recording.writer.single_file import FileRecording

#: Notes the labels of times from now on: text, left and right end, width of the bar.
NOTE_LABELS = """const { prototype } = CanvasRenderingContext2D, { fillText } = prototype;
self.labels = [];
prototype.fillText = function (text, x, y) {
  const half = this.measureText(text).width / 2;
  if (this.canvas.id === "timeline-bar" && this.textAlign === "center")
    self.labels.push([text, x - half, x + half, this.canvas.clientWidth]);
  return fillText.call(this, text, x, y);
};"""
#: An error as the page shows it.
SHOWN_ERROR = """return import("/static/lib/errors.js").then(({ errorText }) => errorText(
    { code: "no-such-recording", message: "none of door at 2026-11-29T10:48:00+00:00" }))"""
#: Seconds of a recording, and between its pictures.
LENGTH, STEP = 60, 1.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings that follow each other, and one after a gap, which ended a minute ago."""
    made = tmp_path_factory.mktemp("timeline")
    now = time.time()
    for number, ago in enumerate((300, 240, 120)):
        recording = FileRecording(made / f"{number}.mp4", "door")
        for count in range(int(LENGTH / STEP)):
            frame = numbered(count % 100 + 1)
            at = now - ago + count * STEP
            recording.write([Frame(count, round(at * 1e6), 160, 120, frame.jpeg)])
        recording.close()
    (made / "started").write_text(str(now))
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServerProcess]:
    with serve(folder, "--camera", "door=pattern:?size=320x240&fps=5") as running:
        wait_for(lambda: state(running)["state"] == "live", "a picture")
        yield running


@pytest.fixture
def page(browser: Page, server: ServerProcess) -> Page:
    browser.look()
    browser.open(server.http + "/")
    browser.wait(lambda: browser.find("#timeline").is_displayed(), "the timeline")
    return browser


def zoom_to_minutes(page: Page) -> None:
    """Show about ten minutes, up to now."""
    bar = page.find("#timeline-bar")
    page.chrome.execute_script("arguments[0].focus()", bar)
    page.keys("\ue010")  # End: now
    for _ in range(5):
        page.keys("+")
    page.keys("\ue010")
    page.wait(lambda: shown(page)[1] - shown(page)[0] < 1000, "the last minutes")


def shown(page: Page) -> tuple[float, float]:
    """The times at the ends of the bar."""
    bar = page.find("#timeline-bar")
    low, high = (float(bar.get_dom_attribute(f"aria-value{end}") or 0) for end in ("min", "max"))
    return low, high


def click_at(page: Page, folder: Path, ago: float) -> None:
    """Click the bar at a time before the recordings were made."""
    wanted = float((folder / "started").read_text()) - ago
    bar = page.find("#timeline-bar")
    page.chrome.execute_script("arguments[0].scrollIntoView({block: 'center'})", bar)
    low, high = shown(page)
    width = bar.size["width"]
    x = (wanted - low) / (high - low) * width - width / 2
    ActionChains(page.chrome).move_to_element_with_offset(bar, x, 0).click().perform()


def current(page: Page) -> dict[str, float]:
    """The video that is shown: its time, its duration and its width."""
    found: dict[str, float] = page.chrome.execute_script(
        "const v = document.querySelector('.playback video:not([hidden])');"
        "return v && v.src ? {at: v.currentTime, length: v.duration, width: v.videoWidth} : {}"
    )
    return found


def play_head(page: Page) -> float:
    """The time that is shown."""
    return float(page.find("#timeline-bar").get_dom_attribute("aria-valuenow") or 0)


def test_a_click_plays_from_there_over_a_seam_and_a_gap(page: Page, folder: Path) -> None:
    zoom_to_minutes(page)
    click_at(page, folder, 245)
    page.wait(lambda: current(page).get("width") == 160, "a picture")
    assert current(page)["length"] > 100  # the rest of the first file, the second and the third
    page.wait(lambda: current(page)["at"] > 0.5, "that it plays")
    page.find("#timeline-speed").send_keys("16")
    started = float((folder / "started").read_text())
    page.wait(
        lambda: int(page.find("#timeline-bar").get_dom_attribute("aria-valuenow")) > started - 125,
        "the recording behind the gap",
    )
    page.click("#timeline-now")
    page.wait(lambda: page.text("#timeline-time") == "Live", "the live picture")
    assert not page.find("#playback").is_displayed()
    assert page.complaints() == []


def test_a_time_in_a_gap_plays_from_the_nearest_one(page: Page, folder: Path) -> None:
    zoom_to_minutes(page)
    click_at(page, folder, 150)
    page.wait(lambda: current(page).get("width") == 160, "a picture")
    page.complaints()  # the server says 404 where nothing was recorded


def test_the_pointer_shows_a_picture_of_its_time(page: Page, folder: Path) -> None:
    zoom_to_minutes(page)
    click_at(page, folder, 210)
    page.wait(lambda: current(page).get("width") == 160, "a picture")
    bar = page.find("#timeline-bar")
    ActionChains(page.chrome).move_to_element_with_offset(bar, 5, 0).perform()
    ActionChains(page.chrome).move_by_offset(2, 0).perform()
    page.wait(lambda: page.find("#timeline-hover").is_displayed(), "the time at the pointer")
    assert ":" in page.text("#timeline-hover span")


def files(folder: Path) -> set[str]:
    """The names of the files that are not hidden."""
    return {name for name in os.listdir(folder) if not name.startswith(".")}


def test_a_selection_is_exported_and_protected(page: Page, folder: Path) -> None:
    zoom_to_minutes(page)
    click_at(page, folder, 225)
    page.wait(lambda: current(page).get("width") == 160, "a picture")
    page.click("#timeline-select")
    page.wait(lambda: page.text("#selection-text"), "a selection")
    assert "download" in (page.find("#selection-download").get_dom_attribute("href") or "")
    before = files(folder)
    page.click("#selection-export")
    page.wait(lambda: "Exported" in page.text("#toasts"), "the export")
    (made,) = files(folder) - before
    assert made.startswith("door_") and made.endswith(".mp4")
    page.click("#selection-protect")
    page.wait(lambda: "Protected" in page.text("#toasts"), "that they are protected")
    (folder / made).unlink()


def test_a_timelapse_of_a_selection_shows_its_progress_and_is_cancelled_or_saved(
    page: Page, folder: Path
) -> None:
    def render(seconds: str) -> None:
        page.click("#selection-timelapse")
        page.find("#timelapse-seconds").send_keys(seconds + "\n")  # the number is selected

    zoom_to_minutes(page)
    click_at(page, folder, 225)
    page.click("#timeline-select")
    page.wait(lambda: page.text("#selection-text"), "a selection")
    before = files(folder)
    render("3600")
    page.wait(lambda: page.text("#timelapse-progress").startswith("Rendering door_"), "progress")
    render("1")
    page.wait(lambda: "is being rendered" in page.text("#timelapse-error"), "the reason")
    page.click("#timelapse [type=button]")
    page.click("#timelapse-cancel")
    page.wait(lambda: "Cancelled door_" in page.text("#toasts"), "word of its end")
    page.wait(lambda: not page.find("#timelapse-progress").is_displayed(), "no progress")
    assert page.text(".toast.bad") == "" and files(folder) == before
    render("1")
    page.wait(lambda: "Saved door_" in page.text("#toasts"), "the film")
    (made,) = files(folder) - before
    (folder / made).unlink()
    page.click("#selection-close")
    page.complaints()  # of the answer with status 400


def test_a_camera_that_was_removed_is_offered(page: Page, folder: Path) -> None:
    make_numbered(folder / "old.mp4", 0, 30, camera="cellar")
    try:
        page.open(page.chrome.current_url)
        page.wait(lambda: page.find("#timeline-camera").is_displayed(), "the other camera")
        page.find("#timeline-camera").send_keys("cellar")
        page.wait(lambda: page.find("#timeline-camera").get_property("value") == "cellar", "it")
        page.chrome.execute_script("arguments[0].focus()", page.find("#timeline-bar"))
        page.keys(" ")
        page.wait(lambda: current(page).get("width") == 160, "its picture")
    finally:
        (folder / "old.mp4").unlink()
    page.complaints()  # the server says 404 at the current time


def test_it_goes_on_over_a_new_size_a_lost_connection_and_a_deleted_file(
    page: Page, folder: Path
) -> None:
    begun = float((folder / "started").read_text()) - 60
    names = []
    for number, width in enumerate((160, 320, 640)):
        names.append(folder / f"attic{number}.mp4")
        recording = FileRecording(names[-1], "attic")
        for count in range(20):  # seconds
            at, image = begun + number * 20 + count, numbered(count + 1, width)
            recording.write([Frame(count, round(at * 1e6), width, width * 3 // 4, image.jpeg)])
        recording.close()

    def fail() -> None:
        """Let the video that is shown fail, as where a connection is lost."""
        page.chrome.execute_script(
            "document.querySelector('.playback video:not([hidden])').src = 'static/none.mp4'"
        )

    def plays(width: int, at: float) -> None:
        page.wait(lambda: current(page).get("width") == width, f"a picture of {width} pixels")
        page.wait(lambda: current(page).get("at", 0) > at, "that it plays")

    page.open(page.chrome.current_url)
    page.wait(lambda: page.find("#timeline-camera").is_displayed(), "the other camera")
    page.find("#timeline-camera").send_keys("attic")
    zoom_to_minutes(page)
    click_at(page, folder, 60 - 18)
    plays(320, 0.5)  # a size is another piece
    before = play_head(page)
    fail()
    page.wait(lambda: before + 2 < play_head(page), "that it goes on")
    assert play_head(page) < begun + 35
    names[1].unlink()
    fail()
    plays(640, 0.5)
    assert page.text("#playback-fault") == ""
    for each in (names[0], names[2]):
        each.unlink()
    page.complaints()


#: The brightness of what each of the cameras in step shows, or its text.
SHOWN_IN_STEP = """return [...document.querySelectorAll(".in-step")].map((figure) => {
    const video = [...figure.querySelectorAll("video")].find((each) => !each.hidden);
    if (!video?.videoWidth) return figure.innerText;
    const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 120 });
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0, 160, 120);
    return [...context.getImageData(0, 0, 160, 120).data].filter((_, at) => at % 4 === 0);
});"""


def test_several_cameras_are_played_in_step_over_a_gap(page: Page, folder: Path) -> None:
    # Ten pictures a second; equal numbers were captured at the same time.
    begun = float((folder / "started").read_text()) - 60
    for name, camera, first, last in (
        ("one.mp4", "cellar", 0, 400), ("two.mp4", "yard", 0, 50), ("three.mp4", "yard", 70, 400),
    ):  # fmt: skip
        recording = FileRecording(folder / name, camera)
        for number in range(first, last):
            at = round((begun + number / 10) * 1e6)
            recording.write([Frame(number, at, 160, 120, numbered(number + 1).jpeg)])
        recording.close()
    page.open(page.chrome.current_url)
    page.wait(lambda: page.find("#timeline-camera").is_displayed(), "the other cameras")
    page.find("#timeline-camera").send_keys("cellar")
    page.click("#timeline-others summary")
    page.click("#timeline-others input[value=yard]")
    page.click("#timeline-title")
    zoom_to_minutes(page)
    click_at(page, folder, 60 - 3.5)

    def numbers() -> list[Any]:
        shown = page.chrome.execute_script(SHOWN_IN_STEP)
        pictures = [np.array(each, np.uint8) for each in shown if not isinstance(each, str)]
        found = [barcode.read(each.reshape(120, 160)) for each in pictures]
        return [each and each.number for each in found] + [s for s in shown if isinstance(s, str)]

    def are_both() -> bool:
        found = numbers()
        if len(found) == 2 and all(isinstance(each, int) for each in found):
            seen.append(found)
        return len(seen) > 6

    seen: list[list[int]] = []
    page.wait(are_both, "both pictures")
    click_at(page, folder, 60 - 4.5)  # on a busy machine, it may be behind the gap already
    page.wait(lambda: any("Not recorded" in str(each) for each in numbers()), "the gap")
    page.shoot("several-cameras-light-1280")
    seen.clear()

    def are_in_step() -> bool:
        are_both()
        # Tenths of a second.
        return len(seen) >= 4 and all(abs(one - other) <= 1 for one, other in seen[-4:])

    # On a busy machine, the one that was in a gap first has to catch up; half as fast, it can.
    page.find("#timeline-speed").send_keys("0.5")
    page.wait(are_in_step, "both pictures in step behind the gap")
    for name in ("one.mp4", "two.mp4", "three.mp4"):
        (folder / name).unlink()
    page.complaints()


def test_the_calendar_shows_the_days_with_recordings(page: Page) -> None:
    page.click("#timeline-day")
    page.wait(lambda: page.find("#calendar").is_displayed(), "the calendar")
    marked = "#calendar-days button[data-recorded='true']"
    page.wait(lambda: page.text(marked), "a day")
    page.click(marked)
    page.wait(lambda: not page.find("#calendar").is_displayed(), "the day")
    assert page.complaints() == []


def test_labels_of_times_are_whole_and_beside_each_other(page: Page) -> None:
    page.chrome.execute_script(NOTE_LABELS)
    bar = page.find("#timeline-bar")
    for width in (320, 768, 1280):
        page.look(width, 800)
        page.chrome.execute_script("arguments[0].focus()", bar)
        for key in ("\ue010", "\ue011", *"++++", *"-----"):  # End, Home, and zooms
            page.keys(key)
            page.chrome.execute_script("self.labels.length = 0")
            page.chrome.execute_script("dispatchEvent(new Event('resize'))")
            labels = page.wait(
                lambda: page.chrome.execute_script("return self.labels"), "a new drawing"
            )
            assert all(left >= 0 and right <= most for _, left, right, most in labels), labels
            for (_, first, end, _), (_, begin, _, _) in itertools.pairwise(labels):
                assert end < begin or begin <= first, labels  # or it is drawn again
    page.look()


def test_errors_have_the_times_of_this_place(page: Page) -> None:
    local = page.chrome.execute_script(
        "return new Date('2026-11-29T10:48:00Z').toLocaleTimeString('en-US')"
    )
    shown = page.chrome.execute_script(SHOWN_ERROR)
    assert shown.startswith("none of door at ")
    assert "T10" not in shown and str(local).replace("\u202f", " ") in shown.replace("\u202f", " ")
