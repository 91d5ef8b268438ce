"""Measures the age of H.264 and JPEG on narrow lines, and after a viewer has stopped reading."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import run
from benchmarks.bench import Bench, Found
from benchmarks.crowd import percentiles
from benchmarks.tables import table
from tests.support.process import ServerProcess, wait_for
from tests.support.slow_line import SlowLine
from twistedcam import wire

TITLE = "Narrow lines"
#: About 2.4 Mbit/s as H.264, and 10 as JPEG: the narrower line is too slow for it.
FILM = "testsrc2=size=1280x720:rate=30:duration=10,gblur=sigma=2"
#: Megabits a second; 0: as fast as the machine.
RATES = (0.0, 3.0, 1.5)
#: Seconds for which a viewer does not read, and the seconds after them that are measured.
STOP, AFTER = 3.0, 3.0


class Viewer:
    """Reads frames of one codec, and measures how old each is when it has arrived."""

    def __init__(self, port: int, codec: str) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), 10)
        self._sock.sendall(wire.Join(codecs=(codec,)).encode())
        self._decoder = wire.Decoder()
        self.ages: list[float] = []
        self.bytes = 0
        self._last = 0

    def read(self, seconds: float) -> None:
        """Read for that time; note the ages in milliseconds."""
        self.ages, self.bytes, until = [], 0, time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._sock.settimeout(left)
            try:
                data = self._sock.recv(1 << 16)
            except TimeoutError:
                return
            self.bytes += len(data)
            for message in self._decoder.feed(data):
                if isinstance(message, wire.FrameMessage):
                    frame = message.frame
                    assert frame.is_keyframe or frame.seq > self._last
                    self._last = frame.seq
                    self.ages.append((time.time() - frame.time) * 1000)
                    self._sock.sendall(wire.Ack(frame.seq).encode())
                elif isinstance(message, wire.Ping):
                    self._sock.sendall(wire.Pong(message.data).encode())

    def close(self) -> None:
        """Leave."""
        self._sock.close()


def measure(bench: Bench) -> Found:
    """Measure each codec on each line, then after a stop."""
    found: Found = {}
    if shutil.which("ffmpeg") is None:
        bench.say("left out: there is no ffmpeg")
        return found
    with tempfile.TemporaryDirectory(prefix="twistedcam-bench-") as folder:
        film = Path(folder) / "film.avi"
        words = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", FILM, "-c:v", "mjpeg", "-q:v", "4"]
        subprocess.run([*words, "-pix_fmt", "yuvj420p", str(film)], check=True)
        _measure(bench, Path(folder), f"cam=file:{film}?loop=1", found)
    for name, told in found.items():
        bench.say(f"{name}: {told}")
    return found


def _measure(bench: Bench, folder: Path, camera: str, found: Found) -> None:
    with ServerProcess(folder, "--camera", camera) as server:
        wait_for(lambda: server.status()["state"] == "live", "the camera")
        port = server.frames[1]
        for codec in ("h264", "mjpeg"):
            for rate in RATES:
                found[f"{codec}, {f'{rate:g} Mbit/s' if rate else 'loopback'}"] = _line(
                    port, codec, rate, bench
                )
            viewer = Viewer(port, codec)
            viewer.read(2.0)
            before = viewer.ages
            time.sleep(STOP)
            viewer.read(AFTER)
            viewer.ages = [*before[-10:], *viewer.ages]
            found[f"{codec}, after a stop of {STOP:g} s"] = _told(viewer, AFTER)
            viewer.close()


def _line(port: int, codec: str, rate: float, bench: Bench) -> dict[str, Any]:
    with SlowLine(port, rate * 1e6 / 8 if rate else 1e9) as line:
        viewer = Viewer(int(line.url.rpartition(":")[2]), codec)
        viewer.read(2.0)  # the start
        viewer.read(2 * bench.seconds)
        told = _told(viewer, 2 * bench.seconds)
        viewer.close()
    return told


def _told(viewer: Viewer, seconds: float) -> dict[str, Any]:
    p50, p99 = percentiles(viewer.ages)
    return {
        "fps": round(len(viewer.ages) / seconds, 1),
        "mbit_s": round(viewer.bytes * 8e-6 / seconds, 2),
        "age_p50": round(p50, 1),
        "age_p99": round(p99, 1),
        "oldest": round(max(_shown(viewer.ages), default=0.0), 1),
    }


def _shown(ages: list[float]) -> list[float]:
    """The ages of the pictures that `twistedcam view` shows: no more than 0.3 s above the least."""
    least, shown = float("inf"), []
    for age in ages:
        least = min(age, least)
        shown += [age] * (age <= least + 300)
    return shown


def tell(found: Found) -> list[str]:
    """A table."""
    heads = ["1280x720 at 30/s", "fps", "Mbit/s", "age p50, ms", "p99, ms", "oldest shown, ms"]
    return table(heads, [[name, *map(str, told.values())] for name, told in found.items()])


if __name__ == "__main__":
    sys.exit(run.main(["--only", "lines", *sys.argv[1:]]))
