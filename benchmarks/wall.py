"""Measures the wall of the page with sixteen H.264 cameras in Chromium."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import run
from benchmarks.bench import Bench, Found
from benchmarks.crowd import percentiles
from benchmarks.processes import cpu_seconds
from benchmarks.tables import cell, table
from tests.support.chromium import Page, chromium
from tests.support.process import ServerProcess, wait_for

TITLE = "The wall of the page"
#: The number of cameras.
CAMERAS = 16
#: Pictures a second of each.
FPS = 25
#: The films of the cameras and of their smaller streams: size, pictures a second, bits a second.
FILMS = {"main": ("1280x720", FPS, "2M"), "substream": ("640x360", 15, "400k")}
_FILM_SECONDS = 20
#: The rows: with these cameras alone, and with a smaller stream of each.
WAYS = ("1280x720", "with substreams of 640x360 at 15/s")
#: The window of the browser: the wall has four rows of four in it.
_WINDOW = 1920, 1080
#: The page starts its decoders.
_STARTS = 10.0
#: Notes the camera of each picture that is drawn, and its age in milliseconds: browser and server
#: have the same clock.
_NOTE = """
import("./static/views/player.js").then(({ Player }) => {
  const { drawNow } = Player.prototype;
  self.drawn = [];
  Player.prototype.drawNow = function(image, width, height, time) {
    drawNow.call(this, image, width, height, time);
    self.drawn.push([this.path, Date.now() - time]);
  };
  done();
});"""


def measure(bench: Bench) -> Found:
    """Open the wall once in each way, and measure it several times."""
    found: Found = {}
    if not shutil.which("ffmpeg"):
        bench.say("left out: there is no ffmpeg")
        return found
    for way in WAYS:
        if bench.servers not in way:
            continue
        found[way] = []
        with (
            _serving(way != WAYS[0]) as server,
            tempfile.TemporaryDirectory() as folder,
            _wall(folder, server) as page,
        ):
            for repeat in range(bench.repeats):
                made = _run(page, server, bench.slow_seconds)
                found[way].append(made)
                bench.say(f"{repeat + 1}: the wall, {way}: {made['all']}, {made['cores']}")
    return found


@contextmanager
def _serving(has_substreams: bool) -> Iterator[ServerProcess]:
    """A server whose cameras send the same film."""
    with tempfile.TemporaryDirectory(prefix="twistedcam-bench-") as folder:
        for name, (size, fps, bits) in FILMS.items():
            picture = f"testsrc2=size={size}:rate={fps},gblur=sigma=2"
            command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", picture]
            command += ["-t", str(_FILM_SECONDS), "-pix_fmt", "yuv420p", "-c:v", "libx264"]
            command += ["-preset", "veryfast", "-bf", "0", "-g", str(fps), "-b:v", bits]
            subprocess.run([*command, f"{folder}/{name}.mp4"], check=True)
        options = ["--http", "tcp:0:interface=127.0.0.1"]
        for number in range(CAMERAS):
            options += ["--camera", f"cam{number}=file:{folder}/main.mp4?loop=1"]
            if has_substreams:
                options += ["--video", f"cam{number}:substream=file:{folder}/substream.mp4"]
        with ServerProcess(Path(folder), *options) as server:
            wait_for(lambda: _are_live(server), "the cameras")
            yield server


def _are_live(server: ServerProcess) -> bool:
    return all(server.status(f"cam{number}")["state"] == "live" for number in range(CAMERAS))


@contextmanager
def _wall(folder: str, server: ServerProcess) -> Iterator[Page]:
    """The wall, which shows pictures of all cameras."""
    with chromium(Path(folder)) as page:
        page.look(*_WINDOW)
        page.open(server.http + "/#/wall")
        page.chrome.set_script_timeout(20)
        page.chrome.execute_async_script("const done = arguments[0];" + _NOTE)
        seen = "return new Set(self.drawn.map(([name]) => name)).size"
        wait_for(lambda: page.chrome.execute_script(seen) == CAMERAS, "a picture of each camera")
        time.sleep(_STARTS)
        yield page


def _run(page: Page, server: ServerProcess, seconds: float) -> dict[str, Any]:
    """What the wall shows in that time: of each camera, and of all; and the cores that it needs."""
    programs = {"browser": page.chrome.service.process.pid, "server": server.process.pid}
    page.chrome.execute_script("self.drawn = []")
    before, began = {name: cpu_seconds(pid) for name, pid in programs.items()}, time.monotonic()
    time.sleep(seconds)
    drawn = page.chrome.execute_script("return self.drawn")
    took = time.monotonic() - began
    cores = {name: (cpu_seconds(pid) - before[name]) / took for name, pid in programs.items()}
    ages: dict[str, list[float]] = {f"cam{number}": [] for number in range(CAMERAS)}
    for name, age in drawn:
        ages[name].append(age)
    tiles = {name: _figures(each, took) for name, each in ages.items()}
    return {"tiles": tiles, "all": _figures([age for _, age in drawn], took), "cores": cores}


def _figures(ages: list[float], seconds: float) -> dict[str, float]:
    nothing = float("nan")
    p50, p99 = percentiles(ages) if ages else (nothing, nothing)
    return {"fps": len(ages) / seconds, "age_p50": p50, "age_p99": p99}


def tell(found: Found) -> list[str]:
    """A table of the wall, and one of its tiles."""
    if not found:
        return ["Not measured."]
    forms = {"fps": ".1f", "age_p50": ".0f", "age_p99": ".0f"}
    rows, tiles = [], []
    for way, runs in found.items():
        each = [made["all"]["fps"] / CAMERAS for made in runs]
        least = [min(tile["fps"] for tile in made["tiles"].values()) for made in runs]
        ages = [cell([made["all"][key] for made in runs], ".0f") for key in ("age_p50", "age_p99")]
        spent = [
            cell([run["cores"][name] for run in runs], ".2f") for name in ("browser", "server")
        ]
        rows.append([way, cell(each, ".1f"), cell(least, ".1f"), *ages, *spent])
        for name in runs[0]["tiles"]:
            told = (cell([made["tiles"][name][key] for made in runs], forms[key]) for key in forms)
            tiles.append([f"{name}, {way}", *told])
    heads = [f"{CAMERAS} cameras, H.264 1280x720 at {FPS}/s", "fps each", "least"]
    heads += ["age p50, ms", "p99, ms", "cores of the browser", "of the server"]
    return [
        *table(heads, rows),
        "",
        *table(["tile", "fps", "age p50, ms", "p99, ms"], tiles),
    ]


if __name__ == "__main__":
    sys.exit(run.main(["--only", "wall", *sys.argv[1:]]))
