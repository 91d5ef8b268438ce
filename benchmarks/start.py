"""Measures a server's start and its memory: without viewers, and with one."""

from __future__ import annotations

import socket
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks import run
from benchmarks.bench import Bench, Found, webcam
from benchmarks.processes import family
from benchmarks.servers import HTTP, PEER, WEBCAM, Contestant, Running, contestants, running
from benchmarks.tables import cell, table

TITLE = "Start and memory"
OPENCV = "twistedcam, HTTP, webcam read with OpenCV"
_KINDS = ("Rss", "Pss", "Private_Dirty")
#: In each picture of the fake webcam; a placeholder has none.
_STAMP = b"FAKECAM "
_PATIENCE = 20.0
#: The seconds without viewers after which memory is measured.
_IDLE = 2.0


def measure(bench: Bench) -> Found:
    """Start each server, and watch it with one viewer."""
    found: Found = {}
    for _ in range(bench.repeats):
        for contestant in _contestants(bench):
            result = _measure(contestant, bench.seconds)
            bench.say(f"{contestant.name}: {result}")
            version = contestant.says_version() if contestant.is_peer else ""
            name = f"{contestant.name} {version}".strip()
            found.setdefault(name, []).append(result)
    return found


def _contestants(bench: Bench) -> list[Contestant]:
    known = {each.name: each for each in contestants()}
    own = known[HTTP]

    def command(port: int) -> list[str]:
        return [f"{word}&reader=opencv" if word == WEBCAM else word for word in own.command(port)]

    chosen = (own, replace(own, name=OPENCV, command=command), known[PEER])
    return [each for each in chosen if each.there and bench.servers in each.name]


def _measure(contestant: Contestant, seconds: float) -> Found:
    with webcam() as camera:
        began = time.monotonic()
        with running(contestant, camera.env) as server, _Viewer(server) as viewer:
            viewer.read_picture()
            first, first_cpu = time.monotonic() - began, server.cpu_seconds()
            viewer.read_for(1.0)
            used = server.cpu_seconds()
            frames = viewer.read_for(seconds)
            used = server.cpu_seconds() - used
            watched = _memory(server)
            viewer.close()
            time.sleep(_IDLE)
            idle = _memory(server)
    return {
        "first": first,
        "first_cpu": first_cpu,
        "frame_ms": used / frames * 1000,
        "watched": watched,
        "idle": idle,
    }


def _memory(server: Running) -> dict[str, float]:
    """The memory of a server with all its processes, in MB."""
    found = dict.fromkeys(_KINDS, 0.0)
    for pid in family(server.pid):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            kind, _, rest = line.partition(":")
            if kind in found:
                found[kind] += int(rest.split()[0]) / 1024
    return found


class _Viewer:
    """Reads a stream over HTTP, and counts the pictures."""

    def __init__(self, server: Running) -> None:
        target = server.target
        self._socket = socket.create_connection(("127.0.0.1", target.port), _PATIENCE)
        self._socket.sendall(f"GET {target.path} HTTP/1.0\r\n\r\n".encode())
        self._end = b""

    def __enter__(self) -> _Viewer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop watching."""
        self._socket.close()

    def read_picture(self) -> int:
        """Read until a picture begins; return how many have begun since."""
        count = 0
        while not count:
            data = self._socket.recv(1 << 20)
            if not data:
                raise SystemExit("the server has closed the connection")
            count = (self._end + data).count(_STAMP)
            self._end = data[-len(_STAMP) + 1 :]
        return count

    def read_for(self, seconds: float) -> int:
        """Read for some seconds; return the number of pictures."""
        until, count = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            count += self.read_picture()
        return count


def tell(found: Found) -> list[str]:
    """A table."""
    rows = []
    for name, runs in found.items():
        memory = [
            " / ".join(f"{median(each[when][kind] for each in runs):.0f}" for kind in _KINDS)
            for when in ("idle", "watched")
        ]
        figures = ("first", ".2f"), ("first_cpu", ".2f"), ("frame_ms", ".2f")
        cells = [cell([each[key] for each in runs], form) for key, form in figures]
        rows.append([name, *cells, *memory])
    heads = [
        "1280x720, 30/s",
        "first picture, s",
        "CPU until then, s",
        "CPU per frame, ms",
        "RSS / PSS / private dirty, MB, no viewer",
        "one viewer",
    ]
    return table(heads, rows)


if __name__ == "__main__":
    sys.exit(run.main(["--only", "start", *sys.argv[1:]]))
