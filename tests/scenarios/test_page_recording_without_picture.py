"""A recording without a picture, on the page."""

from __future__ import annotations

from tests.support.chromium import Page
from tests.support.http_server import state
from tests.support.process import ServerProcess

ATTIC = "[data-camera=attic]"
AMBER = "rgba(242, 180, 87, 0.9)"
COLOUR = "return getComputedStyle(document.querySelector(arguments[0])).backgroundColor"


def test_a_recording_without_a_picture_is_amber_and_shows_the_reason(
    browser: Page, cameras: ServerProcess
) -> None:
    browser.look()
    browser.open(f"{cameras.http}/#attic")
    browser.wait(lambda: browser.text(f"{ATTIC} .state") == "No picture", "a lost camera")
    browser.click(f"{ATTIC} .record")
    browser.wait(lambda: browser.text(f"{ATTIC} .rec") == "Waiting for a picture", "the pill")
    assert browser.chrome.execute_script(COLOUR, f"{ATTIC} .rec") == AMBER
    assert "attic is recorded from its first picture on" in browser.text("#toasts")
    assert state(cameras, "attic")["recording_waiting"].startswith("the camera is recovering")
    browser.click(f"{ATTIC} .record")
    browser.wait(lambda: not browser.find(f"{ATTIC} .rec").is_displayed(), "its end")
    browser.wait(lambda: "No picture came" in browser.text("#toasts"), "what became of it")
    browser.keys("e")
    browser.wait(lambda: "attic is not being recorded" in browser.text("#toasts"), "an answer")
    browser.chrome.get("about:blank")
