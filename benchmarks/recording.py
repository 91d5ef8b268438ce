"""``python -m benchmarks.recording``: what recording costs, beside ffmpeg on the same camera."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.servers import _cpu, _family
from tests.fakecam import FakeCam, Format, Unavailable
from tests.process import ServerProcess, wait_for

_INPUT = "-f v4l2 -input_format mjpeg -video_size 1280x720 -framerate 30 -i /dev/video0"
_FFMPEG = {
    "copy": "-c:v copy",
    "h264": "-c:v libx264 -preset ultrafast -tune zerolatency -crf 23 -pix_fmt yuvj420p -threads 1",
}
_FILES = {"copy": "bench.mkv", "h264": "bench.mp4"}


def cores(pid: int, seconds: float) -> float:
    """Processor time that a process and its children take a second."""
    before, began = sum(map(_cpu, _family(pid))), time.monotonic()
    time.sleep(seconds)
    return (sum(map(_cpu, _family(pid))) - before) / (time.monotonic() - began)


def own(env: Mapping[str, str], seconds: float) -> dict[str, float]:
    """The server without a recording, and what each kind of recording adds."""
    found = {}
    camera = ["--camera", "webcam:0?size=1280x720&fps=30&format=mjpg"]
    with (
        tempfile.TemporaryDirectory() as folder,
        ServerProcess(Path(folder), *camera, env=env) as server,
    ):
        wait_for(lambda: server.status()["state"] == "live", "the camera")
        found["no recording"] = cores(server.process.pid, seconds)
        for kind, name in _FILES.items():
            server.command_lines(f"record start {name}")
            time.sleep(1)
            total = cores(server.process.pid, seconds)
            found[f"{kind}, added"] = total - found["no recording"]
            dropped = server.status()["recording_dropped"]
            server.command_lines("record stop")
            if dropped != "0":
                print(f"{kind}: {dropped} frames dropped", file=sys.stderr)
    return found


@contextmanager
def ffmpeg(kind: str, env: Mapping[str, str]) -> Iterator[int]:
    """ffmpeg at the same work; its process id."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _FILES[kind]
        words = ["ffmpeg", "-v", "error", *_INPUT.split(), *_FFMPEG[kind].split(), str(path)]
        process = subprocess.Popen(words, env=dict(env), stdin=subprocess.DEVNULL)
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(10)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser("python -m benchmarks.recording", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=8, help="of each measurement (%(default)s)"
    )
    parser.add_argument("--repeats", type=int, default=3, help="(%(default)s)")
    options = parser.parse_args()
    runs: dict[str, list[float]] = {}
    for _ in range(options.repeats):
        with FakeCam([Format("MJPG", 1280, 720, (30,))]) as camera:
            for name, value in own(camera.env, options.seconds).items():
                runs.setdefault(f"twistedcam, {name}", []).append(value)
        for kind in _FILES if shutil.which("ffmpeg") else ():
            with (
                FakeCam([Format("MJPG", 1280, 720, (30,))]) as camera,
                ffmpeg(kind, camera.env) as pid,
            ):
                time.sleep(1.5)
                runs.setdefault(f"ffmpeg, {kind}", []).append(cores(pid, options.seconds))
    print("1280x720, 30 frames a second; processor time in cores, median of the repeats\n")
    print("| | cores | repeats |\n|---|---|---|")
    for name, values in runs.items():
        print(f"| {name} | {median(values):.3f} | {', '.join(f'{each:.3f}' for each in values)} |")
    load = os.getloadavg()[0]
    print(f"\n{os.cpu_count()} cores, load {load:.1f} at the end")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Unavailable as reason:
        sys.exit(f"no fake webcam on this machine: {reason}")
