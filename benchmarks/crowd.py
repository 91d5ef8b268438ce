"""Viewers: many that discard pictures, one that measures their age, some that stop reading."""

from __future__ import annotations

import json
import resource
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from benchmarks.servers import ROOT, Running, Target, compiled
from twistedcam import wire

#: Pairs of a moment (seconds of CLOCK_MONOTONIC) and the age then, in milliseconds.
Ages = list[tuple[float, float]]
#: What TLS adds to a record of 16 KiB, and multipart to a picture.
_SEAL, _PART = 1 + 22 / 16384, 130


@dataclass(frozen=True)
class Load:
    """The frames that the viewers received, and their cost.

    Arguments:
        viewers: how many there were.
        alive: how many of them were still there at the end.
        fps: frames a second that each got on the average.
        least_fps: what the worst served one got.
        cpu: processor time of the server per second, in cores.
        cpu_per_frame: processor time per delivered frame, in microseconds.
        age_p50, age_p99: milliseconds from capture until one viewer had the picture whole.
        memory: bytes of the server's own, at the end.
    """

    viewers: int
    alive: int
    fps: float
    least_fps: float
    cpu: float
    cpu_per_frame: float
    age_p50: float
    age_p99: float
    memory: int


class Sampler:
    """The viewer that measures ages, from its first picture to the end of the ``with`` block.

    Arguments:
        target: where it goes.
        limit: bytes a second that it reads at most, or 0.
    """

    def __init__(self, target: Target, limit: float = 0) -> None:
        words = map(str, (target.kind, target.port, target.path, limit))
        self._command = [sys.executable, "-m", "benchmarks.sample", *words]
        self.ages: Ages = []
        #: Bytes of a picture, on the average.
        self.size = 0.0

    def __enter__(self) -> Sampler:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()  # after its first picture
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        told, _ = self._process.communicate(timeout=30)
        if told:
            found = json.loads(told)
            self.ages, self.size = [tuple(pair) for pair in found["ages"]], found["size"]


def watch(server: Running, viewers: int, seconds: float) -> Load:
    """Measure a server with at least two viewers, of which one measures ages."""
    target = server.target
    with Sampler(target) as sampler:
        with _crowd(target, viewers - 1, seconds) as crowd:
            assert crowd.stdout is not None
            crowd.stdout.readline()  # it counts from now on
            before = server.cpu_seconds()
            line = crowd.stdout.readline()
            cpu = server.cpu_seconds() - before
            memory = server.memory()
        if not line:
            raise SystemExit("the viewers had no result: is the port open?")
    found: dict[str, Any] = json.loads(line)
    begun, took = found["begun"], found["seconds"]
    frames, least = found["frames"], found["least_frames"]
    if target.kind == "https":
        wire_size = (sampler.size + _PART) * _SEAL
        frames, least = found["bytes"] / wire_size, found["least_bytes"] / wire_size
    p50, p99 = percentiles([age for at, age in sampler.ages if begun <= at <= begun + took])
    delivered = frames * viewers / (viewers - 1)  # the sampling viewer's too
    return Load(
        viewers=viewers,
        alive=found["alive"] + 1,
        fps=frames / (viewers - 1) / took,
        least_fps=least / took,
        cpu=cpu / took,
        cpu_per_frame=cpu / delivered * 1e6 if delivered else 0.0,
        age_p50=p50,
        age_p99=p99,
        memory=memory,
    )


@contextmanager
def stopped(target: Target, count: int) -> Iterator[None]:
    """Connect viewers that request pictures and never read."""
    with ExitStack() as stack:
        for _ in range(count):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", target.port), 10))
            sock.sendall(request(target))
        yield


def request(target: Target) -> bytes:
    """The first bytes that a viewer sends."""
    if target.kind == "frames":
        return wire.Join(window=2).encode()
    return f"GET {target.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def percentiles(values: Sequence[float]) -> tuple[float, float]:
    """Median and 99th percentile; not numbers where there are fewer than two."""
    if len(values) < 2:
        return float("nan"), float("nan")
    return median(values), quantiles(values, n=100, method="inclusive")[98]


@contextmanager
def _crowd(target: Target, count: int, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """The viewers in C; they write a line when they begin to count, and one with the result."""
    words = [str(compiled("viewers.c"))]
    with ExitStack() as stack:
        inherited: list[int] = []
        if target.kind == "https":
            inherited = _shake_hands(target, count, stack)
            words += ["sealed", ",".join(map(str, inherited)), str(seconds)]
        elif target.kind == "http":
            words += ["http", str(target.port), target.path, str(count), str(seconds)]
        else:
            words += ["frames", str(target.port), str(count), str(seconds), "1"]
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, text=True, pass_fds=inherited, bufsize=1
        )
    with process:
        yield process


def _shake_hands(target: Target, count: int, stack: ExitStack) -> list[int]:
    """Descriptors of connections on which TLS is spoken and pictures were asked for.

    What comes on them is never opened: taking seals off costs viewers as much as putting them on
    costs the server, and is not what is measured.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    context = trusting()
    found: list[ssl.SSLSocket] = []
    for _ in range(count):
        plain = socket.create_connection(("127.0.0.1", target.port), 10)
        found.append(stack.enter_context(context.wrap_socket(plain)))
    for sock in found:  # only now: who has asked and reads nothing has a picture kept for it
        sock.sendall(request(target))
        sock.setblocking(False)
    return [sock.fileno() for sock in found]


def trusting() -> ssl.SSLContext:
    """TLS with whoever answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
