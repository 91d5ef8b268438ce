"""Layout of the page: nothing is cut, covered or left empty, at each width and in each state.

The screenshots are saved in ``artifacts/page``.
"""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from tests.fakecam import FakeCam, Format, require_fakecam
from tests.support.chromium import Page
from tests.support.http_server import serve, state
from tests.support.process import PATIENCE, ServerProcess

#: Width, height, dark.
Window = tuple[int, int, bool]
WINDOWS: Sequence[Window] = (
    (1280, 900, False),
    (1920, 1080, True),
    (390, 844, False),
    (360, 740, True),
)
#: Most empty pixels below the picture of a camera that is shown alone.
EMPTY = 120
FAULTS = """
const faults = [], wide = document.documentElement.scrollWidth;
if (wide > innerWidth) faults.push(`${wide} pixels are wider than the window`);
for (const button of document.querySelectorAll("button, .pill, .tile output, h2")) {
  if (!button.checkVisibility() || getComputedStyle(button).textOverflow === "ellipsis") continue;
  if (button.scrollWidth > button.clientWidth + 1) faults.push(`cut: ${button.innerText}`);
}
const box = (camera, part) => camera.querySelector(part).getBoundingClientRect();
for (const camera of document.querySelectorAll(".cameras.one .camera:not([hidden])")) {
  if (innerWidth < 1000) continue;
  const [stage, under, tiles] = [".stage", ".under", ".tiles"].map((part) => box(camera, part));
  const below = tiles.left < stage.right ? tiles.bottom : under.bottom;
  const around = stage.height - box(camera, ".picture").height;
  const empty = Math.max(around, camera.getBoundingClientRect().bottom - below);
  if (empty > arguments[0]) faults.push(`${empty} pixels are left empty`);
}
for (const line of document.querySelectorAll(".recording .at, .recording .facts-line")) {
  if (line.scrollWidth > line.clientWidth) faults.push(`cut: ${line.innerText}`);
}
return faults;
"""
#: Returns the elements that a note covers or moves.
COVERED = """
const [text] = arguments, under = () => document.querySelector("#main").getBoundingClientRect().top;
scrollTo(0, 0);
const before = under();
return import("/static/lib/messages.js").then(({ showMessage }) => {
  showMessage(text);
  const note = document.querySelector(".toast"), box = note.getBoundingClientRect();
  const faults = [...document.querySelectorAll("button, a, canvas, input, .link, .brand")]
    .filter((each) => each.checkVisibility() && !each.matches(".skip"))
    .filter((each) => {
      const other = each.getBoundingClientRect();
      return other.left < box.right && other.right > box.left
        && other.top < box.bottom && other.bottom > box.top;
    }).map((each) => each.outerHTML);
  if (box.width < 40 || box.right > innerWidth || box.top < 0) faults.push("it is not seen");
  if (under() !== before) faults.push(`the page moves by ${under() - before} pixels`);
  return faults;
});
"""
NOTE = "Saved printer_2026-11-28_18-07-38.jpg"


def looks_well(page: Page, name: str, windows: Sequence[Window] = WINDOWS) -> None:
    """Check the page in these windows, and save screenshots."""
    for width, height, dark in windows:
        page.look(width, height, dark)
        faults = page.chrome.execute_script(FAULTS, EMPTY)
        page.shoot(f"{name}-{'dark' if dark else 'light'}-{width}")
        assert faults == [], width
        assert page.chrome.execute_script(COVERED, NOTE) == [], width
        page.shoot(f"{name}-note-{'dark' if dark else 'light'}-{width}")
        page.chrome.execute_script("document.querySelector('.toast')?.remove()")


def post(server: ServerProcess, path: str) -> dict[str, str]:
    """Send a command."""
    request = urllib.request.Request(f"{server.http}/api/v1/cameras/{path}", method="POST")
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        found: dict[str, str] = json.load(answer)
        return found


def test_a_recording_webcam_with_many_settings_and_recordings(
    browser: Page, tmp_path: Path
) -> None:
    require_fakecam()
    with (
        FakeCam([Format("MJPG", 640, 360, (Fraction(15),))]) as webcam,
        serve(
            tmp_path, "--camera", f"printer=webcam:{webcam.path}?size=640x360",
            "--record", "preroll=5s", env=webcam.env,
        ) as server,
    ):  # fmt: skip
        browser.look()
        browser.open(server.http + "/")
        browser.wait(browser.is_live, "a live camera")
        first = post(server, "printer/record/start")["recording"]
        browser.wait(lambda: browser.text(".rec") >= "0:01", "a second")
        post(server, "printer/record/stop")
        for day in range(1, 30):
            shutil.copy(tmp_path / first, tmp_path / f"printer_2026-10-{day:02}_08-00-00.mp4")
        (tmp_path / first).rename(tmp_path / "the-first-print-of-a-vase-that-did-not-fall-over.mp4")
        post(server, "printer/record/start")
        browser.wait(lambda: browser.text(".last").startswith("Save last 5"), "some seconds")
        browser.wait(lambda: len(browser.names()) == 31, "the list")
        browser.wait(lambda: browser.find(".rec").is_displayed(), "a recording")
        looks_well(browser, "recording")
        browser.leave()


def test_cameras_in_every_state(browser: Page, tmp_path: Path) -> None:
    cameras = ("door=pattern:?size=640x360&fps=5", "yard=pattern:?size=320x240&fps=5",
               "attic=webcam:/dev/none", "phone=pattern:?size=240x320&fps=5")  # fmt: skip
    with serve(tmp_path, *(word for each in cameras for word in ("--camera", each))) as server:
        browser.look()
        browser.open(server.http + "/")
        browser.wait(lambda: browser.text(".figures").count(" old") == 3, "three pictures")
        post(server, "yard/stop")
        browser.wait(lambda: "Stopped" in browser.text("[data-camera=yard] .overlay"), "its stop")
        browser.wait(lambda: state(server, "attic")["restarts"] > 1, "a camera that is lost")
        looks_well(browser, "grid")
        browser.look(320, 640)
        assert min(browser.widths(".who")) > 200  # a title has room, too
        browser.look()
        for name in ("yard", "attic", "phone"):
            browser.chrome.get(f"{server.http}/#{name}")
            browser.wait(lambda name=name: browser.text(".camera .name") == name, "it alone")  # type: ignore[misc]
            looks_well(browser, f"alone-{name}", WINDOWS[::3])
        browser.leave()
