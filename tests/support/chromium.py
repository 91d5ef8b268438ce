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

#: The folder of the screenshots.
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
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
#: The origin of a test server in a URL.
ORIGIN = re.compile(r"https?://127\.0\.0\.1:\d+")
#: Scrolls until a picture is fully visible below the head of the page.
UNCOVER = """
scrollTo(0, 0);
if (arguments[0].getBoundingClientRect().bottom > innerHeight) {
  arguments[0].scrollIntoView({block: "end"});
}
"""


@contextmanager
def chromium(downloads: Path, *flags: str, load: str = "normal") -> Iterator[Page]:
    """Start a browser with its own profile, and quit it at the end.

    Arguments:
        load: how long to wait for a page: ``normal``, until it is loaded; ``none``, not at all.
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
            page = Page(chrome, downloads)
            page.register_workers(False)
            yield page
        finally:
            chrome.quit()


class Page:
    """The page in the browser."""

    def __init__(self, chrome: Any, downloads: Path) -> None:
        self.chrome = chrome
        self.downloads = downloads
        self._origin = ""
        self._without_workers = ""

    def register_workers(self, is_wanted: bool) -> None:
        """Let pages register their service worker, or have the browser know of none.

        A worker is a process of its own, and fetches the page once more: with it, the first page
        of a server takes twice the processor time. Only tests about it have it.
        """
        added, self._without_workers = self._without_workers, ""
        if added:
            script = {"identifier": added}
            self.chrome.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
        if not is_wanted:
            source = {"source": "delete Navigator.prototype.serviceWorker"}
            added = self.chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", source)
            self._without_workers = added["identifier"]

    def look(self, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Set the size of the window, and light or dark colours."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def open(self, url: str) -> None:
        """Open a URL and wait until the page is connected."""
        self._origin = "".join(ORIGIN.findall(url))
        self.chrome.get(url)
        self.wait(lambda: self.text("#link") == "Connected", "a connected page")

    def find(self, selector: str) -> Any:
        """Return the first element."""
        return self.chrome.find_element("css selector", selector)

    def widths(self, selector: str) -> list[float]:
        """Return the widths of all matching elements."""
        found = self.chrome.find_elements("css selector", selector)
        return [each.size["width"] for each in found]

    def text(self, selector: str) -> str:
        """Return the visible text of all matching elements, one line for each."""
        found = self.chrome.execute_script(
            "return [...document.querySelectorAll(arguments[0])]"
            ".filter(e => e.checkVisibility()).map(e => e.innerText.trim())"
            ".filter(Boolean).join('\\n')",
            selector,
        )
        return str(found)

    def value(self, selector: str) -> str:
        """Return the value of a field, or nothing if there is no field."""
        found = self.chrome.find_elements("css selector", selector)
        return str(found[0].get_property("value")) if found else ""

    def click(self, selector: str) -> None:
        """Click an element when it is enabled."""
        self.wait(lambda: self.find(selector).is_enabled(), f"{selector} to be enabled")
        script = "arguments[0].scrollIntoView({block: 'center'})"  # not under the page's head
        self.chrome.execute_script(script, self.find(selector))
        self.find(selector).click()

    def keys(self, keys: str) -> None:
        """Type keys into the focused element."""
        from selenium.webdriver import ActionChains

        ActionChains(self.chrome).send_keys(keys).perform()

    def wait(self, probe: Any, what: str) -> Any:
        """Wait until the probe is true; take a screenshot if it fails."""
        try:
            return wait_for(probe, what)
        except AssertionError:
            self.shoot("failed")
            raise

    def stamp(self, selector: str = ".picture") -> barcode.Stamp | None:
        """Read the barcode of the displayed frame from a screenshot.

        On a busy machine the page may have asked for H.264 of a half or a quarter of the size.
        """
        canvas = self.find(selector)
        self.chrome.execute_script(UNCOVER, canvas)
        png = np.frombuffer(canvas.screenshot_as_png, np.uint8)
        shot = cv2.imdecode(png, cv2.IMREAD_COLOR)
        width, height = (int(canvas.get_dom_attribute(side)) for side in ("width", "height"))
        scale = min(shot.shape[1] / width, shot.shape[0] / height)
        inner = round(width * scale), round(height * scale)
        left, top = (shot.shape[1] - inner[0]) // 2, (shot.shape[0] - inner[1]) // 2
        picture = shot[top : top + inner[1], left : left + inner[0]]
        for times in (1, 2, 4):
            size = width * times, height * times
            restored = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
            found = barcode.read(restored.astype(np.uint8, copy=False))
            if found is not None:
                return found
        return None

    def is_live(self) -> bool:
        """True if the camera that is shown alone is live."""
        return self.text(".state") == "Live" and not self.find(".overlay").is_displayed()

    def moves(self, selector: str = ".picture") -> None:
        """Check that the picture is live: two later frames are displayed."""
        for _ in range(2):
            now_us = time.time() * 1e6
            self.wait(
                lambda: (stamp := self.stamp(selector)) and stamp.time_us > now_us,  # noqa: B023
                "a later picture",
            )

    def plays(self) -> bool:
        """True if the recording in the player advances."""
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
        """Save a screenshot of the whole page."""
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        self.chrome.execute_script("scrollTo(0, 0)")
        shot = self.chrome.execute_cdp_cmd(
            "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True}
        )
        (ARTIFACTS / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    def complaints(self) -> list[str]:
        """Return errors and violations of policies from the log of the browser.

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
        """Leave the page, so that it sends no more requests."""
        self.chrome.get("about:blank")
        self.complaints()
