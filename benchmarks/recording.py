"""Measures the cost of a recording, compared with ffmpeg, and its effect on viewers."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from benchmarks import crowd, run
from benchmarks.bench import Bench, Found, webcam
from benchmarks.own import cores, serving
from benchmarks.tables import cell, ratio, table

TITLE = "Recording"
_INPUT = "-f v4l2 -input_format mjpeg -video_size 1280x720 -framerate 30 -i /dev/video0"
_FFMPEG = {
    "copy": "-c:v copy",
    "h264": "-c:v libx264 -preset ultrafast -tune zerolatency -crf 23 -pix_fmt yuvj420p -threads 1",
}
_FILES = {"copy": "bench.mkv", "h264": "bench.mp4"}
_NONE = "none"


def measure(bench: Bench) -> Found:
    """Measure without viewers, with many viewers, and then ffmpeg."""
    found: Found = {
        "cores": {kind: [] for kind in (_NONE, *_FILES)},
        "dropped": {kind: [] for kind in _FILES},
        "viewers": bench.crowd,
        "loads": {kind: [] for kind in (_NONE, *_FILES)},
        "ffmpeg": {kind: [] for kind in _FILES if shutil.which("ffmpeg")},
    }
    for repeat in range(bench.repeats):
        for kind in (_NONE, *_FILES):
            _own(bench, kind, found)
        for kind in found["ffmpeg"]:
            with webcam() as camera, _ffmpeg(kind, camera.env) as pid:
                time.sleep(1.5)  # its first frames
                found["ffmpeg"][kind].append(cores(pid, bench.seconds))
        bench.say(f"{repeat + 1}: recording: {found['cores']}, ffmpeg: {found['ffmpeg']}")
    return found


def _own(bench: Bench, kind: str, found: Found) -> None:
    """Measure this server with that kind of recording."""
    with serving() as (server, asked):
        if kind != _NONE:
            asked.command_lines(f"record start {_FILES[kind]}")
            time.sleep(1)
        found["cores"][kind].append(cores(server.pid, bench.seconds))
        load = crowd.watch(server, bench.crowd, bench.seconds)
        found["loads"][kind].append(asdict(load))
        if kind != _NONE:
            found["dropped"][kind].append(int(asked.status()["recording_dropped"]))
            asked.command_lines("record stop")


@contextmanager
def _ffmpeg(kind: str, env: Mapping[str, str]) -> Iterator[int]:
    """Start ffmpeg with the same work; return its process id."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _FILES[kind]
        words = ["ffmpeg", "-v", "error", *_INPUT.split(), *_FFMPEG[kind].split(), str(path)]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(words, env=dict(env), stdin=quiet, stderr=quiet)
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(10)


def tell(found: Found) -> list[str]:
    """Two tables."""
    alone = found["cores"][_NONE]
    rows = [["capture alone", cell(alone, ".3f"), "", "", ""]]
    for kind in _FILES:
        total = found["cores"][kind]
        added = [a - b for a, b in zip(total, alone, strict=True)]
        ffmpeg = found["ffmpeg"].get(kind, [])
        dropped = str(sum(found["dropped"][kind]))
        rows.append([kind, cell(total, ".3f"), cell(added, ".3f"), cell(ffmpeg, ".3f"), dropped])
    heads = ["cores, 1280x720 at 30/s", "capture and recording", "recording added"]
    lines = table([*heads, "ffmpeg, both", "frames dropped"], rows)
    runs = {
        kind: [[load[key] for load in loads] for key in ("age_p50", "age_p99")]
        for kind, loads in found["loads"].items()
    }
    rows = [
        [kind, cell(p50, ".1f"), cell(p99, ".1f"), ratio(p99, runs[_NONE][1])]
        for kind, (p50, p99) in runs.items()
    ]
    heads = [
        f"{found['viewers']} viewers beside a recording",
        "age p50, ms",
        "p99, ms",
        "p99 ÷ none",
    ]
    return [*lines, "", *table(heads, rows)]


if __name__ == "__main__":
    sys.exit(run.main(["--only", "recording", *sys.argv[1:]]))
