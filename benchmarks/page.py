"""Measures the age of the pictures on the page's canvas, also over slow lines and after a stop."""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks import run
from benchmarks.bench import Bench, Found
from benchmarks.crowd import percentiles
from benchmarks.tables import table
from tests.support.chromium import Page, chromium
from tests.support.firefox import firefox
from tests.support.process import ServerProcess, wait_for
from tests.support.slow_line import SlowLine
from twistedcam.media import barcode
from twistedcam.util.libraries import np

TITLE = "The page in browsers"
#: About 2.3 Mbit/s as H.264, and 10 as JPEG.
_FILM = "testsrc2=size=1280x720:rate=30,gblur=sigma=4"
_FILM_SECONDS = 20
#: How the video is shown: the user's choice, and a script that runs before the page's.
WAYS = {
    "JPEG": ("jpeg", ""),
    "WebCodecs": ("h264", ""),
    "MSE": ("h264", "delete self.VideoDecoder;"),
}
#: Mbit/s of the line.
LINES = (1000.0, 3.0, 1.5)
#: Seconds that the line stands still.
STOP = 3.0
_STARTS = 4.0
#: Notes each drawn picture: when, its age in milliseconds, and the bytes received so far.
_NOTE = """
Promise.all(["views/player.js", "lib/clock.js"].map((name) => import(`./static/${name}`))).then(
  ([{ Player }, { clock }]) => {
    const { draw } = Player.prototype;
    self.drawn = [];
    Player.prototype.draw = function(image, width, height, packet) {
      self.drawn.push([performance.now(), clock.now() - packet.time, this.bytes]);
      draw.call(this, image, width, height, packet);
    };
    done();
  });"""

#: Notes for each picture that is drawn the time, and two rows of its pixels, in which its barcode
#: has the time of capture. Modules that the driver of Firefox imports are others than the page's.
_NOTE_PIXELS = """const { drawImage } = CanvasRenderingContext2D.prototype;
self.drawn = [];
CanvasRenderingContext2D.prototype.drawImage = function(...given) {
  drawImage.apply(this, given);
  const now = Date.now();
  const row = (y) => Array.from(this.getImageData(0, y, this.canvas.width, 1).data)
    .filter((_, index) => index % 4 === 1);
  self.drawn.push([performance.now(), now, [row(8), row(24)]]);
};"""
#: The side of the barcode's cells, in pixels.
_CELL = 16


def measure(bench: Bench) -> Found:
    """Measure each way over each line, then each way with a line that stands still."""
    found: Found = {}
    pattern = "pattern:?size=1280x720&fps=30"
    with _serving(pattern) as server, tempfile.TemporaryDirectory() as folder:
        for way, pictures in _firefox(Path(folder), server.http, bench.slow_seconds):
            found[f"{way}, Firefox"] = _figures(pictures, bench.slow_seconds)
            bench.say(f"page: {way}, Firefox: {found[f'{way}, Firefox']}")
    with _serving() as server, tempfile.TemporaryDirectory() as folder:
        port = urlsplit(server.http).port
        assert port is not None
        for way in WAYS:
            for rate in LINES:
                with SlowLine(port, rate * 1e6 / 8) as line, _page(Path(folder), way, line) as page:
                    pictures = _watch(page, bench.slow_seconds)
                found[f"{way}, {rate:g} Mbit/s"] = _figures(pictures, bench.slow_seconds)
                bench.say(f"page: {way}, {rate:g} Mbit/s: {found[f'{way}, {rate:g} Mbit/s']}")
            with SlowLine(port, LINES[0] * 1e6 / 8) as line, _page(Path(folder), way, line) as page:
                line.stop(STOP)
                pictures = _watch(page, STOP + 3)
            found[f"{way}, stops for {STOP:g} s"] = _figures(pictures, STOP + 3)
            bench.say(f"page: {way}, stopped: {found[f'{way}, stops for {STOP:g} s']}")
    return found


@contextmanager
def _serving(source: str | None = None) -> Iterator[ServerProcess]:
    """A server with a film as its camera, or another source."""
    with tempfile.TemporaryDirectory(prefix="twistedcam-bench-") as folder:
        if source is None:
            film = Path(folder, "film.avi")
            command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", _FILM]
            command += ["-t", str(_FILM_SECONDS), "-c:v", "mjpeg", "-q:v", "2", str(film)]
            subprocess.run(command, check=True)
            source = f"file:{film}?loop=1"
        options = ("--camera", f"door={source}", "--http", "tcp:0:interface=127.0.0.1")
        with ServerProcess(Path(folder), *options) as server:
            wait_for(lambda: server.status()["state"] == "live", "the camera")
            yield server


@contextmanager
def _page(folder: Path, way: str, line: SlowLine) -> Iterator[Page]:
    """The page, which has begun to show the video in this way."""
    choice, script = WAYS[way]
    remember = f"localStorage.setItem('twistedcam video door', '{choice}');"
    with chromium(folder) as page:
        command = "Page.addScriptToEvaluateOnNewDocument"
        page.chrome.execute_cdp_cmd(command, {"source": script + remember})
        page.open(line.url + "/")
        page.chrome.set_script_timeout(20)
        page.chrome.execute_async_script("const done = arguments[0];" + _NOTE)
        time.sleep(_STARTS)
        yield page


def _firefox(
    folder: Path, url: str, seconds: float
) -> Iterator[tuple[str, list[tuple[float, float, int]]]]:
    """Show each way in Firefox; the way, and its pictures as of ``_watch``."""
    with firefox(folder) as driver:
        for way, (choice, _) in WAYS.items():
            driver.set_pref("dom.media.webcodecs.enabled", way != "MSE")
            driver.navigate(url + "/")
            driver.execute_script(f"localStorage.setItem('twistedcam video door', '{choice}')")
            driver.navigate(url + "/")
            driver.execute_script(_NOTE_PIXELS, sandbox=None, new_sandbox=True)
            time.sleep(_STARTS)
            driver.execute_script("self.drawn.length = 0", sandbox=None, new_sandbox=False)
            time.sleep(seconds)
            drawn = driver.execute_script("return self.drawn", sandbox=None, new_sandbox=False)
            yield way, [(at, _age(now, rows), 0) for at, now, rows in drawn]


def _age(now: float, rows: list[list[int]]) -> float:
    """The milliseconds from the time of capture in a barcode's rows; nan if it cannot be read."""
    stamp = barcode.read(np.array(rows, np.uint8).repeat(_CELL, axis=0))
    return float("nan") if stamp is None else now - stamp.time_us / 1000


def _watch(page: Page, seconds: float) -> list[tuple[float, float, int]]:
    """When pictures were drawn (ms), their ages (ms), and the bytes received until then."""
    page.chrome.execute_script("self.drawn = []")
    time.sleep(seconds)
    drawn: list[tuple[float, float, int]] = page.chrome.execute_script("return self.drawn")
    return drawn


def _figures(pictures: list[tuple[float, float, int]], seconds: float) -> dict[str, Any]:
    ages = [age for _, age, _ in pictures if not math.isnan(age)]
    p50, p99 = percentiles(ages) if ages else (float("nan"), float("nan"))
    received = pictures[-1][2] - pictures[0][2] if ages else 0  # unknown in Firefox
    return {
        "fps": len(pictures) / seconds,
        "age_p50": p50,
        "age_p99": p99,
        "oldest": max(ages, default=float("nan")),
        "mbits": received * 8 / 1e6 / seconds if received else float("nan"),
    }


def tell(found: Found) -> list[str]:
    """A table."""
    forms = {"fps": ".1f", "mbits": ".1f", "age_p50": ".0f", "age_p99": ".0f", "oldest": ".0f"}
    rows = [
        [name, *(f"{seen[key]:{form}}" for key, form in forms.items())]
        for name, seen in found.items()
    ]
    heads = ["the page", "fps", "Mbit/s", "age p50, ms", "p99, ms", "oldest, ms"]
    return table(heads, rows)


if __name__ == "__main__":
    sys.exit(run.main(["--only", "page", *sys.argv[1:]]))
