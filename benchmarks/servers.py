"""The servers that are compared, and how each is started on the fake webcam."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Target:
    """Where viewers go: ``frames`` or ``http``, a port, and a path for HTTP."""

    kind: str
    port: int
    path: str = ""


@dataclass(frozen=True)
class Contestant:
    """A server in the comparison.

    Arguments:
        name: as in the table.
        kind: ``frames`` or ``http``.
        path: what viewers ask for over HTTP.
        program: what has to be installed.
        command: the words that start it, from the port.
    """

    name: str
    kind: str
    path: str
    program: str
    command: Callable[[int], list[str]]

    @property
    def there(self) -> bool:
        """Whether this machine has it."""
        return shutil.which(self.program) is not None


def _twistedcam(kind: str, *options: str) -> Callable[[int], list[str]]:
    def command(port: int) -> list[str]:
        endpoint = f"tcp:{port}:interface=127.0.0.1"
        ports = (
            ["--listen", endpoint, "--no-http"]
            if kind == "frames"
            else ["--http", endpoint, "--no-listen"]
        )
        camera = "webcam:0?size=1280x720&fps=30&format=mjpg"
        words = [sys.executable, "-m", "twistedcam", "serve", "--no-control", "--camera", camera]
        return [*words, *ports, "--recordings", tempfile.gettempdir(), *options]

    return command


CONTESTANTS = (
    Contestant("twistedcam, frame port", "frames", "", sys.executable, _twistedcam("frames")),
    Contestant("twistedcam, HTTP", "http", "/stream", sys.executable, _twistedcam("http")),
    Contestant(
        "twistedcam, HTTP, 2 workers",
        "http",
        "/stream",
        sys.executable,
        _twistedcam("http", "--workers", "2"),
    ),
    Contestant(
        "µStreamer",
        "http",
        "/stream",
        "ustreamer",
        lambda port: shlex.split(
            "ustreamer -d /dev/video0 -r 1280x720 -f 30 -m MJPEG -c HW --log-level 0 "
            f"--host 127.0.0.1 -p {port}"
        ),
    ),
    Contestant(
        "mjpg-streamer",
        "http",
        "/?action=stream",
        "mjpg_streamer",
        lambda port: shlex.split(
            "mjpg_streamer -i 'input_uvc.so -d /dev/video0 -r 1280x720 -f 30' "
            f"-o 'output_http.so -p {port} -l 127.0.0.1'"
        ),
    ),
)


class Running:
    """A server that runs, and what it costs."""

    def __init__(self, process: subprocess.Popen[bytes], target: Target) -> None:
        self.process = process
        self.target = target

    def cpu_seconds(self) -> float:
        """Processor time used so far by the server and all processes that it started."""
        return sum(_cpu(pid) for pid in _family(self.process.pid))

    def memory(self) -> int:
        """Bytes of its own that are in memory (private pages), all processes together."""
        return sum(_private(pid) for pid in _family(self.process.pid))


@contextmanager
def running(contestant: Contestant, env: Mapping[str, str]) -> Iterator[Running]:
    """Start a server, wait until it answers, and end it."""
    port = _free_port()
    process = subprocess.Popen(
        contestant.command(port),
        env={**env, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 20
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"{contestant.name} did not start: {contestant.command(port)}")
            time.sleep(0.1)
        time.sleep(1.5)  # the first pictures
        yield Running(process, Target(contestant.kind, port, contestant.path))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _family(pid: int) -> list[int]:
    """A process and all below it."""
    family = [pid]
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(word) for task in tasks for word in (task / "children").read_text().split()]
    except OSError:
        return family
    for child in children:
        family += _family(child)
    return family


def _cpu(pid: int) -> float:
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / _TICK


def _private(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))
