"""A real server in a process of its own, for tests that look from outside."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.support.server_launcher import ForkedProcess, can_fork

ROOT = Path(__file__).resolve().parents[2]
#: Seconds that anything may take on a busy machine before a test gives up on it: all waits share
#: it, and those that come to a good end do not pay for it.
PATIENCE = 90.0
#: A warning is an error in a server of the tests, too, but for those that Twisted itself makes: at
#: its import, and at the end for the descriptor that it keeps to say no with.
WARNINGS = ",".join(
    (
        "error",
        "ignore:twisted.web.resource._Unsafe:DeprecationWarning",
        "ignore:Passing pyOpenSSL:DeprecationWarning",
        "ignore:unclosed file <_io.TextIOWrapper name='/dev/null':ResourceWarning",
    )
)
#: What a log says of an error that nobody took, and of what was never closed.
LOOSE_ENDS = ("Unhandled", "Traceback", "Exception ignored")


def wait_for(probe: Any, what: str, timeout: float = PATIENCE) -> Any:
    """What ``probe()`` gives, once it gives something; fails after ``timeout`` seconds.

    The longer it has waited, the longer it pauses: a probe takes the processor from what it waits
    for.
    """
    start = time.monotonic()
    while True:
        found = probe()
        if found:
            return found
        waited = time.monotonic() - start
        assert waited < timeout, f"waited {timeout:g} s for {what}"
        time.sleep(min(max(0.02, waited / 10), 0.1))


def descendants(pid: int) -> list[int]:
    """Return the ids of all processes below a process. Those that end meanwhile are left out."""
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread or its process has ended
            for child in map(int, children.read_text().split()):
                found += [child, *descendants(child)]
    return found


class ServerProcess:
    """``twistedcam serve`` with ports of its own; ended on leaving the context.

    Arguments:
        recordings: the recordings folder.
        options: further options; ``--listen`` and ``--control`` are there already, on port 0.
        env: environment to add, such as a fake webcam's.
        ports: of the frame and the control port; 0 is one that is free.

    Inside the context ``frames`` and ``control`` are (host, port) as printed.
    """

    #: Words in its log that are no loose end, if there are any: a regular expression.
    excused = "(?!)"
    #: False to start Python anew: a fork has the modules of the process that it is made from.
    is_forked = True

    def __init__(
        self,
        recordings: Path,
        *options: str,
        env: Mapping[str, str] | None = None,
        ports: tuple[int, int] = (0, 0),
    ) -> None:
        listen, control = (f"tcp:{port}:interface=127.0.0.1" for port in ports)
        self.command = [sys.executable, "-m", "twistedcam", "serve"]
        self.command += ["--listen", listen, "--control", control]
        self.command += ["--recordings", str(recordings), *options]
        if "--http" not in options:
            self.command.append("--no-http")
        if "--rtsp" not in options:
            self.command.append("--no-rtsp")
        self.env = program_environment(env or {})
        self.greeting: list[str] = []
        self._log: list[bytes] = []

    def __enter__(self) -> ServerProcess:
        self.process: Any
        if self.is_forked and can_fork(self.command, self.env):
            self.process = ForkedProcess(self.command, self.env)
        else:
            self.process = subprocess.Popen(
                self.command,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,  # so that select() sees what readline() has left
            )
        assert self.process.stderr is not None
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        try:
            self._read_greeting()
        except BaseException:
            self.__exit__(None)
            raise
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(PATIENCE)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
        if kind is None:
            log = re.sub(self.excused, "", self.log, flags=re.DOTALL)
            assert not any(words in log for words in LOOSE_ENDS), log

    @property
    def log(self) -> str:
        """What it logged so far."""
        return b"".join(self._log).decode(errors="replace")

    @property
    def frames(self) -> tuple[str, int]:
        """Host and port of the frame port."""
        return self._address(r"twistedcam://([\d.]+):(\d+)")

    @property
    def control(self) -> tuple[str, int]:
        """Host and port of the control port."""
        return self._address(r"telnet ([\d.]+) (\d+)")

    @property
    def http(self) -> str:
        """The page's address, without the slash at its end."""
        found = re.search(r"http://[\d.]+:\d+", "\n".join(self.greeting))
        assert found, self.greeting
        return found[0]

    def tls_ports(self) -> list[int]:
        """Ports that are encrypted, as printed."""
        pattern = r"(?:https://|twistedcams://|tls:)[\d.]+:(\d+)"
        return [int(port) for port in re.findall(pattern, "\n".join(self.greeting))]

    def command_lines(self, *lines: str) -> list[str]:
        """Send control lines on a connection of their own; all lines that came back."""
        with socket.create_connection(self.control, PATIENCE) as control:
            control.sendall("".join(line + "\n" for line in (*lines, "quit")).encode())
            with control.makefile("r") as answers:
                return [line.rstrip("\r\n") for line in answers][1:-1]

    def status(self, camera: str = "") -> dict[str, str]:
        """A camera's status."""
        lines = self.command_lines(f"status {camera}")
        return dict(line.split(": ", 1) for line in lines if ": " in line)

    def end(self, sign: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(sign)
        return self.process.wait(PATIENCE)

    def _address(self, pattern: str) -> tuple[str, int]:
        found = re.search(pattern, "\n".join(self.greeting))
        assert found, self.greeting
        return found[1], int(found[2])

    def _read_greeting(self) -> None:
        stdout = self.process.stdout
        assert stdout is not None
        until = time.monotonic() + PATIENCE
        while not any(line.startswith("  stop") for line in self.greeting):
            ready, _, _ = select.select([stdout], [], [], max(0, until - time.monotonic()))
            line = stdout.readline().decode() if ready else ""
            assert line, f"it did not come up: {self.greeting} {self.log}"
            self.greeting.append(line.rstrip("\n"))

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._log.append(line)


def program_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a program of this checkout, with these variables added."""
    whole = {**os.environ, **env, "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": WARNINGS}
    whole["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), whole.get("PYTHONPATH")]))
    return whole


def run_program(
    *words: str, cwd: Path | None = None, timeout: float = PATIENCE, is_forked: bool = True
) -> subprocess.CompletedProcess[str]:
    """``python -m WORDS``; its exit code and what it wrote.

    Arguments:
        is_forked: if it can be forked from a process that has imported it.
    """
    command = [sys.executable, "-m", *words]
    env = program_environment({})
    if is_forked and can_fork(command, env):
        process = ForkedProcess(command, env, cwd)
        try:
            said, errors = process.communicate(timeout)
        finally:
            process.kill()
        return subprocess.CompletedProcess(command, process.wait(), said.decode(), errors.decode())
    return subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
