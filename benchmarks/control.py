"""Measures how long the control port takes to answer with many viewers."""

from __future__ import annotations

import re
import socket
import sys
import threading
import time

from benchmarks import crowd, run
from benchmarks.bench import Bench, Found
from benchmarks.own import serving
from benchmarks.tables import cell, table

TITLE = "Control"
_COMMANDS = ("ping", "status", "viewers")
#: Seconds between two questions, so that they fall anywhere between two pictures.
_PAUSE = 0.0107
_LAST_LINE, _LONGEST_LAST = re.compile(rb"\n(OK|ERR)[^\n]*\n$"), 300


def measure(bench: Bench) -> Found:
    """Send commands one after the other, on one connection, with many viewers."""
    taken: dict[str, list[float]] = {command: [] for command in _COMMANDS}
    with serving() as (server, asked):
        is_over = threading.Event()
        asking = threading.Thread(target=_ask, args=(asked.control, taken, is_over))
        # The crowd connects for a second and more; the answers of that time count too.
        asking.start()
        try:
            load = crowd.watch(server, bench.crowd, bench.seconds)
        finally:
            is_over.set()
            asking.join()
    for command, values in taken.items():
        p50, p99 = crowd.percentiles(values)
        bench.say(f"{command}: p50 {p50:.2f} ms, p99 {p99:.2f} ms of {len(values)}")
    return {"viewers": load.viewers, "milliseconds": taken}


def _ask(address: tuple[str, int], taken: dict[str, list[float]], is_over: threading.Event) -> None:
    with socket.create_connection(address, 10) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _read_answer(sock)  # the greeting
        while not is_over.is_set():
            for command, values in taken.items():
                begun = time.perf_counter()
                sock.sendall(f"{command}\n".encode())
                _read_answer(sock)
                values.append(round((time.perf_counter() - begun) * 1000, 3))
                is_over.wait(_PAUSE)


def _read_answer(sock: socket.socket) -> None:
    """Read to the last line of an answer. What is before is not taken apart: that is no time of
    the server's, and an answer can have thousands of lines."""
    data = b"\n"
    while not _LAST_LINE.search(data, max(0, len(data) - _LONGEST_LAST)):
        more = sock.recv(1 << 16)
        if not more:
            raise SystemExit("the control port has closed the connection")
        data += more


def tell(found: Found) -> list[str]:
    """A table."""
    rows = []
    for command, values in found["milliseconds"].items():
        p50, p99 = crowd.percentiles(values)
        rows.append([f"`{command}`", *(cell([each], ".2f") for each in (p50, p99, max(values)))])
    heads = [f"answers at {found['viewers']} viewers", "p50, ms", "p99, ms", "longest, ms"]
    return table(heads, rows)


if __name__ == "__main__":
    sys.exit(run.main(["--only", "control", *sys.argv[1:]]))
