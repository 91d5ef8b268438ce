"""Start servers quickly: a process that has imported the server forks for each of them.

The imports are most of what a start costs, and the tests start hundreds of servers. A forked server
runs ``twistedcam serve`` in a process of its own, with its own environment, arguments and output,
and ends as any Python program does; other commands of ``twistedcam`` can be run so, too.
``make smoke`` and some tests of the command line start it from nothing.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
#: The program that can be forked: what a command must begin with.
PROGRAM = [sys.executable, "-m", "twistedcam"]
#: What nearly each server imports, at its start, with its first picture, and with its first
#: recording; but not the reactor itself.
MODULES = (
    "twistedcam.cli.serve",
    "twistedcam.servers.console.terminal",
    "twistedcam.recording.writer.fragmented_writer",
    "twisted.internet.epollreactor",
    "av",
    "cv2",
    "numpy",
)
#: Variables of these kinds have their effect before the first import.
EARLY = ("PYTHON", "LD_", "GLIBC_", "MALLOC_", "COVERAGE_")
#: Of these, a launcher has the values that its servers want.
SAME = ("PYTHONPATH", "PYTHONWARNINGS", "PYTHONUNBUFFERED")


class ForkedProcess:
    """A program in a forked process, with the part of ``subprocess.Popen`` that tests use.

    Arguments:
        command: the program and its arguments.
        env: its environment.
        cwd: its working directory, by default that of the tests.
    """

    stdin = None

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], cwd: Path | None = None
    ) -> None:
        self.args = list(command)
        self.returncode: int | None = None
        self._lock = threading.Lock()
        self.stdout, output = _pipe()
        self.stderr, errors = _pipe()
        self._status, status = socket.socketpair()
        with status:
            try:
                _launcher(env).start(self.args, env, cwd, (output, errors, status.fileno()))
            finally:
                os.close(output)
                os.close(errors)
        self.pid = int.from_bytes(self._status.recv(4), "little")
        assert self.pid, "the launcher has ended"

    def poll(self) -> int | None:
        """Return the exit code, None while the program runs."""
        return self._read_status(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, and return the exit code."""
        code = self._read_status(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def communicate(self, timeout: float | None = None) -> tuple[bytes, bytes]:
        """Read both outputs until the end, and close them; what was written to each."""
        until = None if timeout is None else time.monotonic() + timeout
        read: dict[IO[bytes], bytearray] = {self.stdout: bytearray(), self.stderr: bytearray()}
        with selectors.DefaultSelector() as selector, self.stdout, self.stderr:
            for pipe in read:
                selector.register(pipe, selectors.EVENT_READ, pipe)
            while selector.get_map():
                left = None if until is None else max(0, until - time.monotonic())
                ready = selector.select(left)
                if not ready and left == 0:
                    raise subprocess.TimeoutExpired(self.args, timeout or 0)
                for key, _ in ready:
                    if data := key.data.read(1 << 16):
                        read[key.data] += data
                    else:
                        selector.unregister(key.fileobj)
            self.wait(None if until is None else max(0.001, until - time.monotonic()))
        return bytes(read[self.stdout]), bytes(read[self.stderr])

    def send_signal(self, sign: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(self.pid, sign)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _read_status(self, timeout: float | None) -> int | None:
        with self._lock:
            if self.returncode is None:
                self._status.settimeout(timeout)
                try:
                    code = self._status.recv(4)
                except (BlockingIOError, TimeoutError):
                    return None
                self.returncode = int.from_bytes(code, "little", signed=True)
                self._status.close()
            return self.returncode


def can_fork(command: Sequence[str], env: Mapping[str, str]) -> bool:
    """Return True if a forked program does the same as one that is started from nothing."""
    early = {name for name in {*env, *os.environ} if name.startswith(EARLY)} - set(SAME)
    changed = any(env.get(name) != os.environ.get(name) for name in early)
    # Coverage begins with the process, and writes its file at the process's end.
    return (
        list(command[: len(PROGRAM)]) == PROGRAM and not changed and "coverage" not in sys.modules
    )


class _Launcher:
    """The process that forks, as the tests see it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                env=dict(env),
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,  # as the forked ones have
                stderr=subprocess.PIPE,
            )
        atexit.register(self._end)

    def _end(self) -> None:
        self._channel.close()
        _, errors = self._process.communicate()
        assert not errors, errors.decode()

    def start(
        self, command: list[str], env: Mapping[str, str], cwd: Path | None, files: Sequence[int]
    ) -> None:
        job = {"command": command, "env": dict(env), "folder": str(cwd or Path.cwd())}
        with self._lock:
            socket.send_fds(self._channel, [json.dumps(job).encode()], files)


_launchers: dict[tuple[str, ...], _Launcher] = {}
_launchers_lock = threading.Lock()


def _launcher(env: Mapping[str, str]) -> _Launcher:
    """The launcher whose variables for Python are those."""
    key = tuple(env.get(name, "") for name in SAME)
    with _launchers_lock:
        if key not in _launchers:
            _launchers[key] = _Launcher(env)
        return _launchers[key]


def _pipe() -> tuple[IO[bytes], int]:
    inner, outer = os.pipe()
    return os.fdopen(inner, "rb", buffering=0), outer


def main(channel: socket.socket) -> dict[str, Any] | None:
    """Fork until the tests end. Return the job in each forked process, and None at the end."""
    for name in MODULES:
        importlib.import_module(name)
    assert "twisted.internet.reactor" not in sys.modules, "its epoll would be shared"
    assert threading.active_count() == 1, "threads do not survive a fork"
    gc.freeze()  # a collection in a forked process would copy the pages of all these objects
    children: dict[int, tuple[int, int]] = {}  # by descriptor of the process: its id, its status
    with channel, selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fd in children:
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    pid, status = children.pop(key.fd)
                    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                    _report(status, code)
                    os.close(status)
                    continue
                text, files, _, _ = socket.recv_fds(channel, 1 << 20, 3)
                if not text:
                    for process in children:  # the tests were killed: nothing is left behind
                        signal.pidfd_send_signal(process, signal.SIGTERM)
                    return None
                pid = os.fork()
                if not pid:
                    for process, (_, status) in children.items():
                        os.close(process)
                        os.close(status)
                    job: dict[str, Any] = json.loads(text)
                    _become(job, files)
                    return job
                for file in files[:2]:
                    os.close(file)
                _report(files[2], pid)
                process = os.pidfd_open(pid)
                children[process] = (pid, files[2])
                selector.register(process, selectors.EVENT_READ)


def _report(status: int, number: int) -> None:
    with suppress(OSError):  # the tests no longer want it
        os.write(status, number.to_bytes(4, "little", signed=True))


def _become(job: dict[str, Any], files: list[int]) -> None:
    output, errors, status = files
    os.dup2(output, 1)
    os.dup2(errors, 2)
    for file in (output, errors, status):
        os.close(file)
    os.environ.clear()
    os.environ.update(job["env"])
    time.tzset()
    os.chdir(job["folder"])
    sys.path[0] = job["folder"]
    sys.orig_argv[:] = job["command"]
    sys.argv[:] = ["twistedcam", *job["command"][3:]]


if __name__ == "__main__":
    if main(socket.socket(fileno=int(sys.argv[1]))):
        runpy.run_module("twistedcam", run_name="__main__", alter_sys=True)
