"""The servers that are compared, and how each is started on the fake webcam."""

from __future__ import annotations

import os
import re
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
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from benchmarks.processes import cpu_seconds, private_bytes
from twistedcam.tls.certificate import make_certificate

ROOT = Path(__file__).resolve().parent.parent
#: Names of those that others are compared with.
PEER, FLOOR = "µStreamer", "the floor: sendfile in C"
FRAMES, HTTP, HTTPS = "twistedcam, frame port", "twistedcam, HTTP", "twistedcam, HTTPS"
WORKERS = "twistedcam, HTTP, 2 workers"
#: A camera as a source of this server.
WEBCAM = "webcam:0?size=1280x720&fps=30&format=mjpg"


@dataclass(frozen=True)
class Target:
    """The address of a server: ``frames``, ``http`` or ``https``, a port, and a path for HTTP."""

    kind: str
    port: int
    path: str = ""


@dataclass(frozen=True)
class Contestant:
    """A server in the comparison.

    Arguments:
        name: as in the table.
        kind: ``frames``, ``http`` or ``https``.
        path: the path that viewers request over HTTP.
        program: the program that has to be installed.
        command: its command line, made from the port.
        version: the command line that prints its version.
        most: the maximum number of viewers; more would only measure the limit of the machine.
    """

    name: str
    kind: str
    path: str
    program: str
    command: Callable[[int], list[str]]
    version: tuple[str, ...] = ()
    most: int = 10**6

    @property
    def there(self) -> bool:
        """True if it is installed."""
        return shutil.which(self.program) is not None

    @property
    def is_peer(self) -> bool:
        """True if it is a program of another project."""
        return bool(self.version)

    def says_version(self) -> str:
        """The version that it prints; of a commit the first seven digits."""
        done = subprocess.run(self.version, capture_output=True, text=True, timeout=10, check=False)
        found = re.search(r"[\d.]*\d\.\d+|[0-9a-f]{40}", done.stdout + done.stderr)
        return found[0][:7] if found else "of unknown version"


@cache
def contestants() -> tuple[Contestant, ...]:
    """All servers that can be compared."""
    own = sys.executable
    return (
        Contestant(FRAMES, "frames", "", own, _twistedcam("--listen", "--no-http")),
        Contestant(HTTP, "http", "/stream", own, _twistedcam("--http", "--no-listen")),
        Contestant(
            WORKERS,
            "http",
            "/stream",
            own,
            _twistedcam("--http", "--no-listen", "--workers", "2"),
        ),
        Contestant(
            HTTPS,
            "https",
            "/stream",
            own,
            _twistedcam("--http", "--no-listen", tls=True),
            most=200,
        ),
        Contestant(
            PEER,
            "http",
            "/stream",
            "ustreamer",
            lambda port: shlex.split(
                "ustreamer -d /dev/video0 -r 1280x720 -f 30 -m MJPEG -c HW --log-level 0 "
                f"--host 127.0.0.1 -p {port}"
            ),
            ("ustreamer", "--version"),
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
            ("mjpg_streamer", "--version"),
        ),
        Contestant(
            FLOOR,
            "http",
            "/",
            "cc",
            lambda port: [str(compiled("limit.c")), str(port), "1280x720", "30"],
        ),
    )


def compiled(source: str) -> Path:
    """A C program of this folder, compiled."""
    path = Path(__file__).with_name(source)
    made = Path(tempfile.gettempdir()) / f"twistedcam-bench-{os.getuid()}-{path.stem}"
    if not made.exists() or made.stat().st_mtime < path.stat().st_mtime:
        if shutil.which("cc") is None:
            raise SystemExit("the viewers of the benchmark are in C: apt-get install gcc libc6-dev")
        fresh = made.with_suffix(f".{os.getpid()}")
        subprocess.run(["cc", "-O2", "-o", fresh, path], check=True)
        fresh.replace(made)
    return made


class Running:
    """A running server, and its cost."""

    def __init__(self, pid: int, target: Target) -> None:
        self.pid = pid
        self.target = target

    def cpu_seconds(self) -> float:
        """Processor time used so far by the server and all processes that it started."""
        return cpu_seconds(self.pid)

    def memory(self) -> int:
        """The private memory of all its processes, in bytes."""
        return private_bytes(self.pid)


@contextmanager
def running(contestant: Contestant, env: Mapping[str, str]) -> Iterator[Running]:
    """Start a server, wait until it answers, and end it."""
    port = _free_port()
    command = contestant.command(port)
    plugins = ":".join(filter(None, [env.get("LD_LIBRARY_PATH"), _plugins(command[0])]))
    process = subprocess.Popen(
        command,
        env={**env, "PYTHONPATH": str(ROOT), "LD_LIBRARY_PATH": plugins},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 20
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"{contestant.name} did not start: {shlex.join(command)}")
            time.sleep(0.01)
        yield Running(process.pid, Target(contestant.kind, port, contestant.path))
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process in good order, or kill it if it does not end."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _twistedcam(port_option: str, *options: str, tls: bool = False) -> Callable[[int], list[str]]:
    def command(port: int) -> list[str]:
        words = [sys.executable, "-m", "twistedcam", "serve", "--no-control", "--no-rtsp"]
        words += ["--camera", WEBCAM]
        endpoint = f"tcp:{port}:interface=127.0.0.1"
        if tls:
            keys = f"privateKey={_keys()}/key.pem:certKey={_keys()}/cert.pem"
            endpoint = f"ssl:{port}:interface=127.0.0.1:{keys}"
        return [*words, port_option, endpoint, "--recordings", tempfile.gettempdir(), *options]

    return command


@cache
def _certificate() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="twistedcam-bench-")
    make_certificate(Path(folder.name), ["localhost", "127.0.0.1"], datetime.now(UTC))
    return folder


def _keys() -> str:
    """A temporary folder with a key and a certificate, deleted at the end of the program."""
    return _certificate().name


def _plugins(program: str) -> str:
    """The folder of a program's plugins (mjpg-streamer's), next to the program."""
    found = shutil.which(program)
    folder = Path(found).resolve().parent.parent / "lib" / "mjpg-streamer" if found else None
    return str(folder) if folder and folder.is_dir() else ""


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
