"""Headless Chromium, driven by selenium."""

from __future__ import annotations

import base64
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.support.process import ROOT, wait_for
from tests.support.system import require, require_program
from twistedcam.media import barcode

#: Where screenshots are kept, for people to look at.
ARTIFACTS = ROOT / "artifacts" / "page"
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-prefers-reduced-motion",
    "--autoplay-policy=no-user-gesture-required",
)
#: A server of the tests, in an address.
ORIGIN = re.compile(r"https?://127\.0\.0\.1:\d+")
#: Scrolls so that a picture is seen whole, and the page's head lies above it.
UNCOVER = """
scrollTo(0, 0);
if (arguments[0].getBoundingClientRect().bottom > innerHeight) {
  arguments[0].scrollIntoView({block: "end"});
}
"""


@contextmanager
def chromium(downloads: Path, *flags: str, load: str = "normal") -> Iterator[Page]:
    """A browser with a profile of its own, ended with the context.

    Arguments:
        load: how much of a page is waited for: ``normal``, all of it; ``none``, nothing.
    """
    browser = require_program("chromium")
    driver = require_program("chromedriver", apt="chromium-driver")
    try:
        from selenium import webdriver
    except ImportError:
        require(False, "selenium is not installed: pip install selenium")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    options.page_load_strategy = load
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    with tempfile.TemporaryDirectory() as profile:
        for flag in (*FLAGS, *flags, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        try:
            yield Page(chrome, downloads)
        finally:
            chrome.quit()


class Page:
    """The page as a person has it before them."""

    def __init__(self, chrome: Any, downloads: Path) -> None:
        self.chrome = chrome
        self.downloads = downloads
        self._origin = ""

    def look(self, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Have a window of that size, and light or dark colours."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def open(self, url: str) -> None:
        """Go there, and wait until the page is connected."""
        self._origin = "".join(ORIGIN.findall(url))
        self.chrome.get(url)
        self.wait(lambda: self.text("#link") == "Connected", "a connected page")

    def find(self, selector: str) -> Any:
        """The first element."""
        return self.chrome.find_element("css selector", selector)

    def widths(self, selector: str) -> list[float]:
        """How wide each of them is now; nothing where the page is not that far yet."""
        found = self.chrome.find_elements("css selector", selector)
        return [each.size["width"] for each in found]

    def text(self, selector: str) -> str:
        """What a person reads in all elements of that kind, a line each."""
        found = self.chrome.execute_script(
            "return [...document.querySelectorAll(arguments[0])]"
            ".filter(e => e.checkVisibility()).map(e => e.innerText.trim())"
            ".filter(Boolean).join('\\n')",
            selector,
        )
        return str(found)

    def value(self, selector: str) -> str:
        """What stands in a field; nothing where there is none yet."""
        found = self.chrome.find_elements("css selector", selector)
        return str(found[0].get_property("value")) if found else ""

    def click(self, selector: str) -> None:
        """Press it, when it can be pressed."""
        self.wait(lambda: self.find(selector).is_enabled(), f"{selector} to be enabled")
        script = "arguments[0].scrollIntoView({block: 'center'})"  # not under the page's head
        self.chrome.execute_script(script, self.find(selector))
        self.find(selector).click()

    def keys(self, keys: str) -> None:
        """Type, with nothing in particular having the focus."""
        from selenium.webdriver import ActionChains

        ActionChains(self.chrome).send_keys(keys).perform()

    def wait(self, probe: Any, what: str) -> Any:
        """Wait until it is so."""
        try:
            return wait_for(probe, what)
        except AssertionError:
            self.shoot("failed")
            raise

    def stamp(self, selector: str = ".picture") -> barcode.Stamp | None:
        """What the barcode in the picture on the screen says, read from a screenshot."""
        canvas = self.find(selector)
        self.chrome.execute_script(UNCOVER, canvas)
        png = np.frombuffer(canvas.screenshot_as_png, np.uint8)
        shot = cv2.imdecode(png, cv2.IMREAD_COLOR)
        width, height = (int(canvas.get_dom_attribute(side)) for side in ("width", "height"))
        scale = min(shot.shape[1] / width, shot.shape[0] / height)
        inner = round(width * scale), round(height * scale)
        left, top = (shot.shape[1] - inner[0]) // 2, (shot.shape[0] - inner[1]) // 2
        picture = shot[top : top + inner[1], left : left + inner[0]]
        restored = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
        return barcode.read(restored.astype(np.uint8, copy=False))

    def is_live(self) -> bool:
        """Whether the camera that is shown alone is said to be live."""
        return self.text(".state") == "Live" and not self.find(".overlay").is_displayed()

    def moves(self, selector: str = ".picture") -> None:
        """See that the picture is a live one that goes on: what was not yet is seen twice."""
        for _ in range(2):
            now_us = time.time() * 1e6
            self.wait(
                lambda: (stamp := self.stamp(selector)) and stamp.time_us > now_us,  # noqa: B023
                "a later picture",
            )

    def plays(self) -> bool:
        """Whether the recording in the player goes on."""
        at = self.chrome.execute_script(
            "return document.querySelector('#player-video').currentTime"
        )
        return bool(at > 0.3)

    def names(self) -> list[str]:
        """The names of the listed recordings."""
        found: list[str] = self.chrome.execute_script(
            "return [...document.querySelectorAll('.recording')].map(row => row.dataset.name)"
        )
        return found

    def shoot(self, name: str) -> None:
        """Keep a screenshot of the whole page."""
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        self.chrome.execute_script("scrollTo(0, 0)")
        shot = self.chrome.execute_cdp_cmd(
            "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True}
        )
        (ARTIFACTS / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    def complaints(self) -> list[str]:
        """What the browser has to say against the page: errors and broken policies.

        It may say of an earlier page, whose server is gone, after that page was left: that is
        not about this one.
        """
        return [
            entry["message"]
            for entry in self.chrome.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING")
            and set(ORIGIN.findall(entry["message"])) <= {self._origin}
        ]

    def leave(self) -> None:
        """Have no page open: nothing more is asked of the server, or said of it."""
        self.chrome.get("about:blank")
        self.complaints()
