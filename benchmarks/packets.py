"""Measures processor time of small packets, by the number of viewers, beside a loop in C."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks import run
from benchmarks.bench import Bench, Found
from benchmarks.crowd import compiled
from benchmarks.processes import cpu_seconds
from benchmarks.tables import cell, ratio, table
from tests.support.films import h264_packets
from tests.support.ports import free_port
from tests.support.process import ServerProcess, wait_for
from twistedcam import wire
from twistedcam.media.packet import Packet

TITLE = "Small packets"
#: Bytes of a packet, packets a second, and packets in a group of pictures.
SIZE, FPS, GROUP = 10_500, 30, 60
SERVER, WORKERS = "twistedcam, frame port", "twistedcam, 2 workers"
SILENT = "twistedcam, no acknowledgements"
WEBSOCKET = "twistedcam, WebSocket"
FLOOR = "the floor: send in C"
#: Options of the servers.
OPTIONS = {WORKERS: "--workers 2", WEBSOCKET: "--http tcp:0:interface=127.0.0.1"}
COUNTS = (50, 200, 500, 1000)


class Publisher:
    """Publishes packets of that size to a ``push:`` camera, on its own thread."""

    def __init__(self, port: int) -> None:
        self._over = threading.Event()
        self._sock = socket.create_connection(("127.0.0.1", port), 10)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Publisher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._sock.close()

    def _run(self) -> None:
        self._sock.sendall(wire.Join("publish", window=0).encode())
        key, other = h264_packets([0, 0.1])
        due, seq = time.monotonic(), 0
        self._sock.setblocking(False)
        while not self._over.wait(max(0.0, due - time.monotonic())):
            due, seq = due + 1 / FPS, seq + 1
            one = key if seq % GROUP == 1 else other
            now = time.time_ns() // 1000
            data = one.data + bytes([255]) * (SIZE - len(one.data))
            sent = Packet(one.track, seq, now, now, data, one.is_keyframe)
            self._sock.sendall(wire.frame_message(sent))
            self._answer()

    def _answer(self) -> None:
        """Answer PINGs, roughly: whatever arrives shows that the server is there."""
        try:
            if self._sock.recv(1 << 16):
                self._sock.sendall(wire.Pong().encode())
        except BlockingIOError:
            pass


def measure(bench: Bench) -> Found:
    """Measure each with each number of viewers; each repeat runs all in turn."""
    counts = [each for each in COUNTS if each <= max(*bench.viewers, 1000)]
    if bench.viewers[-1] < COUNTS[0]:  # a test that it runs
        counts = [bench.viewers[-1]]
    names = [name for name in (SERVER, SILENT, WEBSOCKET, WORKERS, FLOOR) if bench.servers in name]
    found: Found = {name: {str(count): [] for count in counts} for name in names}
    for repeat in range(bench.repeats):
        for name in names:
            with _running(name) as (pid, port):
                for count in counts:
                    made = _load(pid, name, port, count, bench.seconds)
                    found[name][str(count)].append(made)
                    bench.say(f"{repeat + 1}: {name}, {count}: {made}")
    return found


@contextmanager
def _running(name: str) -> Iterator[tuple[int, int]]:
    """Start a server; its process and its port."""
    if name == FLOOR:
        port = free_port()
        words = [str(compiled("packets.c")), str(port), str(SIZE), str(FPS)]
        with subprocess.Popen(words) as process:
            try:
                wait_for(lambda: _is_open(port), "the floor")
                yield process.pid, port
            finally:
                process.kill()
        return
    options = shlex.split(OPTIONS.get(name, ""))
    with (
        tempfile.TemporaryDirectory(prefix="twistedcam-bench-") as folder,
        ServerProcess(Path(folder), "--camera", "cam=push:", *options) as server,
        Publisher(server.frames[1]),
    ):
        wait_for(lambda: server.status()["state"] == "live", "the camera")
        if name == WORKERS:
            wait_for(lambda: server.status()["workers"] == "2", "the workers")
        is_http = name == WEBSOCKET
        yield server.process.pid, urlsplit(server.http).port if is_http else server.frames[1]


def _load(pid: int, name: str, port: int, count: int, seconds: float) -> dict[str, Any]:
    if name == WEBSOCKET:
        words = ["websocket", str(port), "/live?codec=h264", str(count), str(seconds)]
    else:
        words = ["frames", str(port), str(count), str(seconds), str(int(name != SILENT)), "h264"]
    command = [str(compiled("viewers.c")), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, bufsize=1) as crowd:
        assert crowd.stdout is not None
        crowd.stdout.readline()
        before = cpu_seconds(pid)
        line = crowd.stdout.readline()
        cpu = cpu_seconds(pid) - before
    told = json.loads(line)
    frames, took = told["frames"], told["seconds"]
    return {
        "alive": told["alive"],
        "fps": round(frames / count / took, 2),
        "least_fps": round(told["least_frames"] / took, 2),
        "cores": round(cpu / took, 4),
        "cpu_per_frame": round(cpu / max(frames, 1) * 1e6, 2),
    }


def _is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def tell(found: Found) -> list[str]:
    """A table."""
    rows = []
    for name, runs in found.items():
        for count, made in runs.items():
            floor = [each["cpu_per_frame"] for each in found.get(FLOOR, {}).get(count, [])]
            cost = [each["cpu_per_frame"] for each in made]
            rows.append(
                [
                    *(name, count),
                    *(cell([each[key] for each in made], ".1f") for key in ("fps", "least_fps")),
                    cell([each["cores"] for each in made], ".3f"),
                    cell(cost, ".1f"),
                    "–" if name == FLOOR else ratio(cost, floor),
                ]
            )
    heads = ["10.5 KB, 30 a second", "viewers", "fps each", "least", "cores"]
    return table([*heads, "CPU per packet, µs", "÷ floor"], rows)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run.main(["--only", "packets", *sys.argv[1:]]))
