"""Measures what viewers over RTSP cost, over TCP and UDP, compared with GStreamer's server."""

from __future__ import annotations

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
from benchmarks.own import cores
from benchmarks.rtsp import has_camera, replay_camera
from benchmarks.servers import ROOT
from benchmarks.tables import cell, ratio, table
from tests.support.process import ServerProcess, wait_for

TITLE = "Viewers over RTSP"
#: The numbers of viewers.
COUNTS = (1, 50, 200)
OWN, PEER = "twistedcam", "gst-rtsp-server"
PROTOCOLS = ("tcp", "udp")
LOCAL = "tcp:0:interface=127.0.0.1"


def measure(bench: Bench) -> Found:
    """Serve one H.264 camera to viewers; the camera is GStreamer's server, and the peer."""
    names = [f"{name}, {protocol}" for name in (OWN, PEER) for protocol in PROTOCOLS]
    found: Found = {"runs": {name: {str(count): [] for count in COUNTS} for name in names}}
    if not has_camera():
        bench.say("left out: there is no RTSP server of GStreamer, or no ffmpeg")
        return found
    for repeat in range(bench.repeats):
        with (
            replay_camera() as camera,
            tempfile.TemporaryDirectory(prefix="twistedcam-bench-") as folder,
            ServerProcess(Path(folder), "--camera", f"cam={camera.url}", "--rtsp", LOCAL) as server,
        ):
            wait_for(lambda: server.status("cam")["state"] == "live", "the camera")
            time.sleep(1)
            idle = {OWN: cores(server.process.pid, 2), PEER: cores(camera.pid, 2)}
            for name in names:
                who, _, protocol = name.partition(", ")
                if bench.servers not in name:
                    continue
                for count in COUNTS:
                    made = _one(bench, server, camera, who, protocol, count)
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
            above = [each["above_idle"] / count / 25 * 1e6 for each in made]
            peer = [each["cores"] for each in runs[name.replace(OWN, PEER)][str(count)]]
            rows.append(
                [
                    *(name, str(count)),
                    cell([each["fps"] for each in made if each["fps"]], ".1f"),
                    cell(spent, ".3f"),
                    cell(above, ".0f"),
                    ratio(spent, peer) if not name.startswith(PEER) else "–",
                ]
            )
    heads = ["1920x1080 at 25/s, 4 Mbit/s", "viewers", "fps each", "cores"]
    return table([*heads, "CPU per frame, µs", "÷ GStreamer"], rows)


def _one(
    bench: Bench, server: ServerProcess, camera: Any, who: str, protocol: str, count: int
) -> dict[str, Any]:
    """The load of a server with that many viewers."""
    host = next(line for line in server.greeting if "rtsp://" in line).split()[1]
    url = host.replace("CAMERA", "cam") if who == OWN else camera.url
    pid = server.process.pid if who == OWN else camera.pid
    with _crowd(url, count, protocol):
        time.sleep(2)
        before, began = _frames(server), time.monotonic()
        spent = cores(pid, bench.seconds)
        frames, seconds = _frames(server) - before, time.monotonic() - began
    wait_for(lambda: server.status("cam")["viewers"] == "0", "the end of the viewers")
    return {"cores": spent, "fps": frames / count / seconds if who == OWN else 0.0}


def _frames(server: ServerProcess) -> int:
    """The frames that all viewers have got."""
    lines = server.command_lines("viewers")
    return sum(int(line.split()[1]) for line in lines if line.startswith("frames: "))


@contextmanager
def _crowd(url: str, count: int, protocol: str) -> Iterator[None]:
    words = [sys.executable, "-m", "benchmarks.rtsp_crowd", url, str(count), protocol]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as crowd:
        try:
            assert crowd.stdout is not None
            if crowd.stdout.readline() != "all play\n":
                raise SystemExit("the viewers cannot connect")
            yield
        finally:
            crowd.terminate()


if __name__ == "__main__":
    sys.exit(run.main(["--only", "rtsp_viewers", *sys.argv[1:]]))
