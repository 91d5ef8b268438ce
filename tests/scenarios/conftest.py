"""Fixtures of the scenarios: one browser, and one server for clients that change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.chromium import Page, chromium
from tests.support.firefox import firefox
from tests.support.http_server import serve
from tests.support.process import ServerProcess, wait_for


@pytest.fixture(scope="package")
def started_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("downloads")) as page:
        yield page


@pytest.fixture
def browser(started_browser: Page) -> Iterator[Page]:
    """The shared browser, with no page open at the start and the end of a test."""
    yield started_browser
    started_browser.leave()


@pytest.fixture
def tab(browser: Page) -> Iterator[None]:
    """A tab of its own: in one that has seen touches, Chromium may keep later ones to itself."""
    before = browser.chrome.current_window_handle
    browser.chrome.switch_to.new_window("tab")
    yield
    browser.chrome.close()
    browser.chrome.switch_to.window(before)


@pytest.fixture
def service_worker(started_browser: Page) -> Iterator[None]:
    """Pages register their service worker during the test."""
    started_browser.register_workers(True)
    yield
    started_browser.register_workers(False)


@pytest.fixture(scope="package")
def fox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The shared Firefox."""
    with firefox(tmp_path_factory.mktemp("firefox")) as driver:
        yield driver


@pytest.fixture(scope="package")
def cameras(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with ``door``, 320x240 at 20 fps, and ``attic``, which does not exist."""
    door, attic = "door=pattern:?size=320x240&fps=20", "attic=webcam:/dev/none"
    options = ("--camera", door, "--camera", attic, "--http-cors", "*")
    with serve(tmp_path_factory.mktemp("recordings"), *options) as running:
        wait_for(lambda: running.status("door").get("state") == "live", "a picture")
        yield running
