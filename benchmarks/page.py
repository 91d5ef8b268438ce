"""Measures the age of the pictures on the page's canvas, also over slow lines and after a stop."""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
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
#: About 2.4 Mbit/s as H.264, and 10 as JPEG.
_FILM = "testsrc2=size=1280x720:rate=30,gblur=sigma=2"
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
#: Notes the age of each picture in milliseconds when it is drawn, and that of each packet when it
#: arrives, with its size.
_NOTE = """
Promise.all(["views/player.js", "lib/clock.js"].map((name) => import(`./static/${name}`))).then(
  ([{ Player }, { clock }]) => {
    const { draw, receive } = Player.prototype;
    [self.drawn, self.received] = [[], []];
    Player.prototype.receive = function(decoder, message) {
      const captured = Number(new DataView(message).getBigUint64(8)) / 1000;
      if (captured) self.received.push([clock.now() - captured, message.byteLength]);
      receive.call(this, decoder, message);
    };
    Player.prototype.draw = function(image, width, height, packet) {
      self.drawn.push(clock.now() - packet.time);
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
  self.drawn.push([now, [row(8), row(24)]]);
};"""
#: The side of the barcode's cells, in pixels.
_CELL = 16


class Noted(NamedTuple):
    """Ages in milliseconds in the page.

    Arguments:
        drawn: those of pictures that are drawn; nan for one that cannot be read.
        received: those of packets that arrive; unknown in Firefox.
        size: bytes of these packets.
    """

    drawn: list[float]
    received: Sequence[float] = ()
    size: int = 0


def measure(bench: Bench) -> Found:
    """Measure each way over each line, then each way with a line that stands still."""
    found: Found = {}

    def chosen(names: Iterable[str]) -> list[str]:
        return [name for name in names if bench.servers in name]

    def note(name: str, noted: Noted, seconds: float) -> None:
        found[name] = _figures(noted, seconds)
        bench.say(f"page: {name}: {found[name]}")

    if in_firefox := chosen(f"{way}, Firefox" for way in WAYS):
        pattern = "pattern:?size=1280x720&fps=30"
        with _serving(pattern) as server, tempfile.TemporaryDirectory() as folder:
            for name, noted in _firefox(Path(folder), server.http, in_firefox, bench.slow_seconds):
                note(name, noted, bench.slow_seconds)
    stopped = f"stops for {STOP:g} s"
    lines = {f"{rate:g} Mbit/s": rate for rate in LINES} | {stopped: LINES[0]}
    names = chosen(f"{way}, {line}" for way in WAYS for line in lines)
    if not names:
        return found
    with _serving() as server, tempfile.TemporaryDirectory() as folder:
        port = urlsplit(server.http).port
        assert port is not None
        for name in names:
            way, _, kind = name.partition(", ")
            seconds = STOP + 3 if kind == stopped else bench.slow_seconds
            with (
                SlowLine(port, lines[kind] * 1e6 / 8) as line,
                _page(Path(folder), way, line) as page,
            ):
                if kind == stopped:
                    line.stop(STOP)
                note(name, _watch(page, seconds), seconds)
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
    folder: Path, url: str, names: list[str], seconds: float
) -> Iterator[tuple[str, Noted]]:
    """Show each way in Firefox; its name, and what was noted."""
    with firefox(folder) as driver:
        for name in names:
            way = name.partition(", ")[0]
            driver.set_pref("dom.media.webcodecs.enabled", way != "MSE")
            driver.navigate(url + "/")
            choice = WAYS[way][0]
            driver.execute_script(f"localStorage.setItem('twistedcam video door', '{choice}')")
            driver.navigate(url + "/")
            driver.execute_script(_NOTE_PIXELS, sandbox=None, new_sandbox=True)
            time.sleep(_STARTS)
            driver.execute_script("self.drawn.length = 0", sandbox=None, new_sandbox=False)
            time.sleep(seconds)
            drawn = driver.execute_script("return self.drawn", sandbox=None, new_sandbox=False)
            yield name, Noted([_age(now, rows) for now, rows in drawn])


def _age(now: float, rows: list[list[int]]) -> float:
    """The milliseconds from the time of capture in a barcode's rows; nan if it cannot be read."""
    stamp = barcode.read(np.array(rows, np.uint8).repeat(_CELL, axis=0))
    return float("nan") if stamp is None else now - stamp.time_us / 1000


def _watch(page: Page, seconds: float) -> Noted:
    """Note what arrives and what is drawn in the page."""
    page.chrome.execute_script("self.drawn = []; self.received = []")
    time.sleep(seconds)
    drawn, received = page.chrome.execute_script("return [self.drawn, self.received]")
    return Noted(drawn, [age for age, _ in received], sum(size for _, size in received))


def _figures(noted: Noted, seconds: float) -> dict[str, Any]:
    ages = [age for age in noted.drawn if not math.isnan(age)]
    nothing = float("nan")
    p50, p99 = percentiles(ages) if ages else (nothing, nothing)
    return {
        "fps": len(noted.drawn) / seconds,
        "arrival_p50": percentiles(noted.received)[0] if noted.received else nothing,
        "age_p50": p50,
        "age_p99": p99,
        "oldest": max(ages, default=nothing),
        "mbits": noted.size * 8 / 1e6 / seconds if noted.size else nothing,
    }


def tell(found: Found) -> list[str]:
    """A table."""
    forms = {"fps": ".1f", "mbits": ".1f", "arrival_p50": ".0f"}
    forms |= dict.fromkeys(("age_p50", "age_p99", "oldest"), ".0f")
    rows = [
        [name, *(f"{seen[key]:{form}}" for key, form in forms.items())]
        for name, seen in found.items()
    ]
    heads = ["the page", "fps", "Mbit/s", "arrival p50, ms", "age p50, ms", "p99, ms", "oldest, ms"]
    return table(heads, rows)


if __name__ == "__main__":
    sys.exit(run.main(["--only", "page", *sys.argv[1:]]))
