"""Measures what motion detection costs, beside Motion, on films with little and much movement."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import simplejpeg

from benchmarks import run
from benchmarks.bench import Bench, Found
from benchmarks.motion_peer import running_motion
from benchmarks.own import cores
from benchmarks.tables import cell, ratio, table
from tests.support.http_camera import HttpCamera
from tests.support.motion_kinds import make_film
from tests.support.process import ServerProcess, wait_for

TITLE = "Motion detection"
WIDTH, HEIGHT, FPS = 1280, 720, 30
#: The kind and the seed of each film, by its name in the table.
FILMS = {
    "nothing moves": ("noise", 1),
    "a person walks": ("day_walk", 3),
    "clouds": ("clouds", 2),
    "leaves everywhere": ("leaves", 4),
    "snow": ("snow", 5),
}
#: Seconds of a film, which is repeated.
_LENGTH = 8
OFF, ON, PEER = "twistedcam, detection off", "twistedcam, detection on", "Motion"
CONTESTANTS = (OFF, ON, PEER)


def measure(bench: Bench) -> Found:
    """Watch each film with each server; each repeat runs all in turn."""
    found: Found = {name: {each: [] for each in CONTESTANTS} for name in FILMS}
    has_peer = shutil.which("motion") is not None
    if not has_peer:
        bench.say("left out: Motion (motion is not on the PATH)")
    for name, (kind, seed) in FILMS.items():
        pictures = _pictures(kind, seed)
        for repeat in range(bench.repeats):
            for each in CONTESTANTS:
                if each == PEER and not has_peer:
                    continue
                with HttpCamera(lambda _, them=pictures: _stream(them)) as camera:
                    made = _run(each, camera, bench.seconds)
                found[name][each].append(made)
                bench.say(f"{repeat + 1}: {name}, {each}: {made:.4f} cores")
    return found


def tell(found: Found) -> list[str]:
    """A table."""
    rows = []
    for name, made in found.items():
        added = [on - off for on, off in zip(made[ON], made[OFF], strict=True)]
        cells = [cell(made[each], ".3f") for each in CONTESTANTS]
        rows.append([name, *cells, cell(added, ".3f"), ratio(made[ON], made[PEER])])
    heads = [f"cores, {WIDTH}x{HEIGHT} at {FPS}/s, JPEG", *CONTESTANTS]
    return table([*heads, "detection added", "÷ Motion"], rows)


def _pictures(kind: str, seed: int) -> list[bytes]:
    """The JPEGs of a film, in colour."""
    film = make_film(kind, seed, (WIDTH, HEIGHT), FPS)
    made = []
    for number in range(_LENGTH * FPS):
        picture = cv2.cvtColor(film.picture(number / FPS), cv2.COLOR_GRAY2BGR)
        made.append(simplejpeg.encode_jpeg(picture, 80, "BGR", "420"))
    return made


def _stream(pictures: Sequence[bytes]) -> Iterator[bytes]:
    """Send pictures again and again at their rate, as MJPEG over HTTP."""
    yield b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=next\r\n\r\n"
    began, number = time.monotonic(), 0
    while True:
        time.sleep(max(0.0, began + number / FPS - time.monotonic()))
        picture = pictures[number % len(pictures)]
        head = b"--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(picture)
        yield head + picture + b"\r\n"
        number += 1


def _run(name: str, camera: HttpCamera, seconds: float) -> float:
    with tempfile.TemporaryDirectory(prefix="twistedcam-bench-") as folder:
        started = _peer if name == PEER else _own
        with started(Path(folder), camera, name == ON) as pid:
            time.sleep(5)  # libraries are loaded, and the background is learnt
            return cores(pid, max(seconds, _LENGTH))


@contextmanager
def _own(folder: Path, camera: HttpCamera, is_on: bool) -> Iterator[int]:
    words = ["--camera", f"cam={camera.url('/')}"]
    if is_on:
        words += ["--motion", "record=false"]
    with ServerProcess(folder, *words) as server:
        wait_for(lambda: server.status()["state"] == "live", "the camera")
        yield server.process.pid


@contextmanager
def _peer(folder: Path, camera: HttpCamera, _: bool) -> Iterator[int]:
    source = {
        "netcam_url": camera.url("/").replace("http://", "mjpeg://"),
        "width": WIDTH,
        "height": HEIGHT,
        "framerate": FPS,
    }
    # Nothing is written, and nobody watches.
    with running_motion(folder, lambda: camera.requests, movie_output="off", **source) as pid:
        yield pid


if __name__ == "__main__":
    sys.exit(run.main(["--only", "motion", *sys.argv[1:]]))
