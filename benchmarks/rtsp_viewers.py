"""Measures what viewers over RTSP cost, compared with GStreamer's server and a loop in C."""

from __future__ import annotations

import json
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
from benchmarks.crowd import compiled
from benchmarks.own import cores
from benchmarks.rtsp import ReplayCamera, has_camera, replay_camera
from benchmarks.rtsp_age import WARM_UP
from benchmarks.servers import ROOT
from benchmarks.tables import cell, ratio, table
from tests.support.ports import free_port
from tests.support.process import ServerProcess, wait_for

TITLE = "Viewers over RTSP"
#: The numbers of viewers.
COUNTS = (1, 50, 200)
OWN, WORKERS, PEER = "twistedcam", "twistedcam with 2 workers", "gst-rtsp-server"
FLOOR = "the floor: send in C"
#: The packets of a picture that the floor sends: as many bytes as those of the clip, on average.
FLOOR_PACKETS, FPS = 14, 25
PROTOCOLS = ("tcp", "udp")
LOCAL = "tcp:0:interface=127.0.0.1"


def measure(bench: Bench) -> Found:
    """Serve one H.264 camera to viewers; the camera is GStreamer's server, and the peer."""
    servers = (OWN, WORKERS, PEER, FLOOR)
    names = [f"{name}, {protocol}" for name in servers for protocol in PROTOCOLS]
    found: Found = {"runs": {name: {str(count): [] for count in COUNTS} for name in names}}
    if not has_camera():
        bench.say("left out: there is no RTSP server of GStreamer, or no ffmpeg")
        return found
    for repeat in range(bench.repeats):
        with (
            replay_camera() as camera,
            tempfile.TemporaryDirectory(prefix="twistedcam-bench-") as folder,
            _own(folder, "one", camera) as server,
            _own(folder, "workers", camera, "--workers", "2") as with_workers,
        ):
            wait_for(lambda: with_workers.status("cam")["workers"] == "2", "the workers")
            time.sleep(1)
            pids = {OWN: server.process.pid, WORKERS: with_workers.process.pid, PEER: camera.pid}
            idle = {who: cores(pid, 2) for who, pid in pids.items()}
            servers_of = {OWN: server, WORKERS: with_workers}
            for name in names:
                who, _, protocol = name.partition(", ")
                if bench.servers not in name:
                    continue
                for count in COUNTS:
                    if who == FLOOR:
                        made = _floor(bench, protocol, count)
                    else:
                        own = servers_of.get(who)
                        url = camera.url if own is None else _address(own)
                        made = _one(bench, own, url, pids[who], protocol, count, camera)
                        made["above_idle"] = max(0.0, made["cores"] - idle[who])
                    found["runs"][name][str(count)].append(made)
                    bench.say(f"{repeat + 1}: {name}, {count}: {made}")
    return found


def tell(found: Found) -> list[str]:
    """A table."""
    rows = []
    runs = found["runs"]
    for count in COUNTS:
        for name in runs:
            made = runs[name][str(count)]
            spent = [each["cores"] for each in made]
            who, _, protocol = name.partition(", ")
            above = _above(made, count)
            peer = _above(runs[f"{PEER}, {protocol}"][str(count)], count)
            floor = _above(runs.get(f"{FLOOR}, {protocol}", {}).get(str(count), []), count)
            rows.append(
                [
                    *(name, str(count)),
                    cell([each["fps"] for each in made if each["fps"]], ".1f"),
                    cell(spent, ".3f"),
                    cell(above, ".0f"),
                    ratio(above, peer) if who in (OWN, WORKERS) else "–",
                    ratio(above, floor) if who != FLOOR else "–",
                    *(cell(_ages(made, key), ".1f") for key in ("age_p50", "age_p99")),
                ]
            )
    heads = ["1920x1080 at 25/s, 4 Mbit/s", "viewers", "fps each", "cores"]
    costs = ["CPU per frame, µs", "÷ GStreamer", "÷ floor"]
    return table([*heads, *costs, "age p50 of the last viewer, ms", "p99, ms"], rows)


def _above(made: list[dict[str, Any]], count: int) -> list[float]:
    """The microseconds that a frame costs for each viewer, above the server without viewers."""
    return [each["above_idle"] / count / FPS * 1e6 for each in made]


def _ages(made: list[dict[str, Any]], key: str) -> list[float]:
    return [each[key] for each in made if each.get(key) is not None]


@contextmanager
def _own(folder: str, name: str, camera: Any, *options: str) -> Iterator[ServerProcess]:
    """Start this server with that camera."""
    words = ("--camera", f"cam={camera.url}", "--rtsp", LOCAL, *options)
    with ServerProcess(Path(folder) / name, *words) as server:
        wait_for(lambda: server.status("cam")["state"] == "live", "the camera")
        yield server


def _address(server: ServerProcess) -> str:
    line = next(line for line in server.greeting if "rtsp://" in line)
    return line.split()[1].replace("CAMERA", "cam")


def _one(
    bench: Bench,
    own: ServerProcess | None,
    url: str,
    pid: int,
    protocol: str,
    count: int,
    camera: ReplayCamera,
) -> dict[str, Any]:
    """The load of a server with that many viewers, and the ages of the pictures of the last."""
    files = str(camera.clip), str(camera.clock)
    with _crowd(url, count - 1, protocol):
        time.sleep(1)
        with _started("rtsp_age", url, str(bench.seconds), protocol, *files) as last:
            time.sleep(WARM_UP)
            before, began = _frames(own), time.monotonic()
            spent = cores(pid, bench.seconds)
            frames, seconds = _frames(own) - before, time.monotonic() - began
            assert last.stdout is not None
            ages = json.loads(last.stdout.readline())
    if own is not None:
        wait_for(lambda: own.status("cam")["viewers"] == "0", "the end of the viewers")
    return {"cores": spent, "fps": frames / count / seconds, **ages}


def _floor(bench: Bench, protocol: str, count: int) -> dict[str, Any]:
    """The load of the loop in C."""
    port = free_port()
    words = [str(compiled("rtp.c")), str(port), str(FLOOR_PACKETS), str(FPS), protocol]
    with subprocess.Popen(words) as process:
        try:
            time.sleep(0.5)  # it listens at once
            with _crowd(f"floor://127.0.0.1:{port}", count, protocol):
                time.sleep(1)
                spent = cores(process.pid, bench.seconds)
        finally:
            process.kill()
    return {"cores": spent, "fps": 0.0, "above_idle": spent}


def _frames(server: ServerProcess | None) -> int:
    """The frames that all viewers have got; 0 if the server does not count them."""
    if server is None:
        return 0
    lines = server.command_lines("viewers")
    return sum(int(line.split()[1]) for line in lines if line.startswith("frames: "))


@contextmanager
def _crowd(url: str, count: int, protocol: str) -> Iterator[None]:
    if not count:
        yield
        return
    with _started("rtsp_crowd", url, str(count), protocol):
        yield


@contextmanager
def _started(module: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Start viewers, and wait until they play."""
    program = [sys.executable, "-m", f"benchmarks.{module}", *words]
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) as viewers:
        try:
            assert viewers.stdout is not None
            if viewers.stdout.readline() != "all play\n":
                raise SystemExit("the viewers cannot connect")
            yield viewers
        finally:
            viewers.terminate()


if __name__ == "__main__":
    sys.exit(run.main(["--only", "rtsp_viewers", *sys.argv[1:]]))
