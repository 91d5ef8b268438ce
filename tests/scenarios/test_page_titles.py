"""Names and titles of cameras on the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.chromium import Page
from tests.support.http_server import serve
from tests.support.process import ServerProcess, wait_for

SOURCE = "pattern:?size=160x120&fps=10"
DOOR = "[data-camera='front door']"
GARDEN = "[data-camera='حديقة']"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    options = ["--camera", f"front door={SOURCE}&title=Haust%C3%BCr", "--camera", f"حديقة={SOURCE}"]
    with serve(tmp_path_factory.mktemp("recordings"), *options) as running:
        for name in ("front-door", "حديقة"):
            wait_for(lambda name=name: running.status(name)["state"] == "live", name)
        yield running


def test_a_camera_is_shown_by_its_title_and_controlled_by_its_name(
    browser: Page, server: ServerProcess
) -> None:
    browser.open(server.http)
    browser.wait(lambda: browser.text(f"{DOOR} .name") == "Haustür", "the title")
    browser.wait(lambda: browser.text(f"{GARDEN} .name") == "حديقة", "the name")
    assert browser.find(f"{DOOR} .open").get_attribute("aria-label") == "Show Haustür alone"
    assert browser.find(DOOR).accessible_name == "Haustür"
    browser.click(f"{DOOR} .toggle")
    browser.wait(lambda: browser.text(f"{DOOR} .state") == "Stopped", "the end of the stream")
    browser.click(f"{DOOR} .toggle")
    browser.wait(lambda: browser.text(f"{DOOR} .state") == "Live", "the stream")
    browser.click(f"{GARDEN} .open")
    browser.wait(lambda: not browser.find(DOOR).is_displayed(), "one camera alone")
    assert browser.find(GARDEN).is_displayed()


def test_recordings_are_listed_and_found_by_the_title_of_their_camera(
    browser: Page, server: ServerProcess
) -> None:
    browser.look()
    browser.open(server.http)
    browser.click(f"{DOOR} .record")
    browser.wait(lambda: browser.text(f"{DOOR} .rec"), "a recording")
    facts = ".recording .facts-line"
    browser.wait(lambda: browser.text(facts).endswith(" · Haustür"), "it with its camera")
    browser.click(f"{DOOR} .record")
    browser.wait(lambda: not browser.text(f"{DOOR} .rec"), "its end")
    assert browser.text(facts).endswith(" · Haustür")
    browser.find("#recordings-search").send_keys("haustür")
    assert len(browser.names()) == 1
    browser.find("#recordings-search").send_keys("x")
    browser.wait(lambda: not browser.names(), "none of that name")
