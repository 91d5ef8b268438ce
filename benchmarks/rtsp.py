"""Measures what cameras over RTSP cost, compared with FFmpeg, and the age of their packets."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import run
from benchmarks.bench import Bench, Found
from benchmarks.motion_peer import running_motion
from benchmarks.processes import cpu_seconds, private_bytes
from benchmarks.servers import ROOT
from benchmarks.tables import cell, ratio, table
from tests.support.ports import free_port
from tests.support.process import ServerProcess, wait_for
from tests.support.publish_peers import is_open

TITLE = "Cameras over RTSP"
#: The numbers of cameras that are read at once.
COUNTS = (1, 16)
FPS = 25
_PYTHON = "/usr/bin/python3"
_CLIP = (
    f"-f lavfi -i testsrc2=size=1920x1080:rate={FPS},noise=alls=20:allf=t -t 8 -pix_fmt yuv420p "
    "-c:v libx264 -preset veryfast -bf 0 -g 25 -b:v 4M -maxrate 4M -bufsize 4M "
    "-x264-params aud=1:slices=1:scenecut=0 -bsf:v dump_extra=freq=keyframe -f h264"
)
SERVER, RECORDED, CLIENT, PYAV, MOTION, FFMPEG = (
    "twistedcam, nobody watches",
    "twistedcam, recorded",
    "twistedcam's client alone",
    "PyAV, a thread each",
    "Motion, movie_passthrough",
    "ffmpeg -c copy, a process each",
)
CONTESTANTS = (SERVER, RECORDED, CLIENT, PYAV, MOTION, FFMPEG)
#: It decodes each picture: many cameras are too much for most machines.
_SINGLE = (MOTION,)


#: What one run has measured.
Cost = dict[str, float | None]


@dataclass(frozen=True)
class ReplayCamera:
    """A camera that replays a clip, its files, and its process."""

    url: str
    clip: Path
    clock: Path
    pid: int


def measure(bench: Bench) -> Found:
    """Read one camera and many, with this server and with FFmpeg."""
    found: Found = {"runs": {name: {str(count): [] for count in COUNTS} for name in CONTESTANTS}}
    if not has_camera():
        bench.say("left out: there is no RTSP server of GStreamer, or no ffmpeg")
        return found
    names = [name for name in CONTESTANTS if bench.servers in name]
    if shutil.which("motion") is None and MOTION in names:
        bench.say("left out: Motion (motion is not on the PATH)")
        names.remove(MOTION)
    with replay_camera() as camera:
        for repeat in range(bench.repeats):
            for count in COUNTS:
                for name in names:
                    if count == 1 or name not in _SINGLE:
                        made = _run(name, camera, count, bench.seconds)
                        found["runs"][name][str(count)].append(made)
                        bench.say(f"{repeat + 1}: {name}, {count}: {made}")
    return found


def tell(found: Found) -> list[str]:
    """A table."""
    rows = []
    runs = found["runs"]
    for count in COUNTS:
        peer = _column(runs[FFMPEG][str(count)], "cores")
        for name in CONTESTANTS:
            made = runs[name][str(count)]
            if not made:
                continue
            spent = _column(made, "cores")
            each = [value / count for value in spent]
            rows.append(
                [
                    *(name, str(count), cell(spent, ".3f"), cell(each, ".4f")),
                    ratio(spent, peer) if name != FFMPEG else "–",
                    cell(_column(made, "megabytes"), ".0f"),
                    *(cell(_column(made, key), ".1f") for key in ("age_p50", "age_p99")),
                    cell(_column(made, "error_p99"), ".2f"),
                ]
            )
    heads = ["1920x1080 at 25/s, 4 Mbit/s", "cameras", "cores", "cores each", "÷ ffmpeg"]
    return table([*heads, "private MB", "age p50, ms", "p99, ms", "error of times p99, ms"], rows)


@contextmanager
def replay_camera() -> Iterator[ReplayCamera]:
    """Make a clip, and a camera that replays it."""
    with tempfile.TemporaryDirectory(prefix="twistedcam-bench-") as folder:
        clip, clock = Path(folder) / "clip.h264", Path(folder) / "clock"
        subprocess.run(["ffmpeg", "-v", "error", *_CLIP.split(), str(clip)], check=True)
        port = free_port()
        script = str(Path(__file__).with_name("rtsp_camera.py"))
        with subprocess.Popen([_PYTHON, script, str(port), str(FPS), str(clip), str(clock)]) as it:
            try:
                wait_for(lambda: is_open(port) and clock.exists(), "the camera")
                yield ReplayCamera(f"rtsp://127.0.0.1:{port}/cam", clip, clock, it.pid)
            finally:
                it.kill()


def _run(name: str, camera: ReplayCamera, count: int, seconds: float) -> Cost:
    if name in (SERVER, RECORDED):
        return _serve(camera, count, seconds, records=name == RECORDED)
    if name == FFMPEG:
        return _copy(camera, count, seconds)
    if name == MOTION:
        return _pass_through(camera, seconds)
    reader = "twistedcam" if name == CLIENT else "pyav"
    words = [reader, str(count), str(seconds), camera.url, str(camera.clip), str(camera.clock)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.rtsp_reader", *words],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        check=True,
        timeout=60 + seconds,
    )
    made: Cost = json.loads(done.stdout)
    return made


def _cost(pids: list[int], seconds: float) -> Cost:
    """The cores and the private memory of some processes and their descendants."""
    before, began = sum(map(cpu_seconds, pids)), time.monotonic()
    time.sleep(seconds)
    spent = (sum(map(cpu_seconds, pids)) - before) / (time.monotonic() - began)
    return {"cores": spent, "megabytes": sum(map(private_bytes, pids)) / 1e6}


def _serve(camera: ReplayCamera, count: int, seconds: float, *, records: bool) -> Cost:
    """The cost of this server with that many cameras, which nobody watches."""
    words: list[str] = []
    for number in range(count):
        words += ["--camera", f"cam{number}={camera.url}"]
    with (
        tempfile.TemporaryDirectory(prefix="twistedcam-bench-") as folder,
        ServerProcess(Path(folder), *words) as server,
    ):
        last = f"cam{count - 1}"
        wait_for(lambda: server.status(last)["state"] == "live", "the cameras")
        if records:
            server.command_lines(*(f"record start cam{number}" for number in range(count)))
        time.sleep(2)
        return _cost([server.process.pid], seconds)


def _pass_through(camera: ReplayCamera, seconds: float) -> Cost:
    """The cost of Motion, which records one camera as it comes."""
    with tempfile.TemporaryDirectory(prefix="twistedcam-bench-") as name:
        folder = Path(name)
        settings = {
            "movie_output": "on",
            "movie_passthrough": "on",
            "emulate_motion": "on",
            "width": 1920,
            "height": 1080,
            "framerate": FPS,
            "netcam_url": camera.url,
            "target_dir": folder,
            "movie_filename": "film",
        }
        with running_motion(folder, lambda: list(folder.glob("film*")), **settings) as pid:
            return _cost([pid], seconds)


def _copy(camera: ReplayCamera, count: int, seconds: float) -> Cost:
    """The cost of ffmpeg, which writes that many files."""
    with tempfile.TemporaryDirectory(prefix="twistedcam-bench-") as folder, ExitStack() as stack:
        made = []
        paths = [Path(folder) / f"{number}.mkv" for number in range(count)]
        for path in paths:
            words = ["-v", "quiet", "-nostdin", "-rtsp_transport", "tcp", "-i", camera.url]
            process = subprocess.Popen(["ffmpeg", *words, "-c", "copy", str(path)])
            stack.callback(process.wait, 10)
            stack.callback(process.send_signal, signal.SIGINT)
            made.append(process)
        # It analyses the stream before it writes.
        wait_for(lambda: all(path.exists() and path.stat().st_size for path in paths), "ffmpeg")
        time.sleep(2)
        return _cost([each.pid for each in made], seconds)


def _column(runs: list[Cost], key: str) -> list[float]:
    return [value for each in runs if (value := each.get(key)) is not None]


def has_camera() -> bool:
    """True if a camera can be made here."""
    check = "import gi; gi.require_version('GstRtspServer', '1.0')"
    if not shutil.which("ffmpeg") or not Path(_PYTHON).exists():
        return False
    return subprocess.run([_PYTHON, "-c", check], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(run.main(["--only", "rtsp", *sys.argv[1:]]))
