"""Child processes that run a module of this program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from twistedcam.runtime.timer import Timer


def package_root() -> Path:
    """Return the folder that the package ``twistedcam`` was imported from."""
    return Path(__file__).parents[2]


def child_environment(import_path: Iterable[str] | None = None) -> dict[str, str]:
    """Return this process's environment, with another ``PYTHONPATH``.

    Arguments:
        import_path: the folders that modules are imported from; ``package_root`` and those of the
            present ``PYTHONPATH`` by default.
    """
    if import_path is None:
        import_path = filter(None, [str(package_root()), os.environ.get("PYTHONPATH")])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(import_path)}


def module_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module, without importing from the current folder."""
    return [sys.executable, "-P", "-m", module, *arguments]


def wait_or_kill(process: subprocess.Popen[bytes], seconds: float) -> int:
    """Wait for the end of a process, and kill it after some seconds; return its status. Blocks."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def describe_exit(status: int) -> str:
    """Describe the end of a process: "was ended by SIGKILL", "ended with exit code 1".

    Arguments:
        status: its exit code, or the negative number of a signal.
    """
    if status >= 0:
        return f"ended with exit code {status}"
    name = f"signal {-status}"
    with suppress(ValueError):
        name = signal.Signals(-status).name
    return f"was ended by {name}"


def last_line(output: bytes | str) -> str:
    """Return the last line of a process's output, which is a traceback's reason; "" if none."""
    text = output if isinstance(output, str) else output.decode(errors="replace")
    return (text.strip().splitlines() or [""])[-1]


class ChildProcess(ProcessProtocol):
    """A process started by the reactor.

    Arguments:
        reactor: starts the process.
        command: its arguments (``module_command``). Every user of the computer can see them.
        child_fds: its file descriptors (``IReactorProcess.spawnProcess``); by default pipes to its
            standard streams.
        on_end: called with Twisted's reason when it has ended.
        environment: its environment; by default ``child_environment()``.
    """

    def __init__(
        self,
        reactor: Any,
        command: list[str],
        child_fds: dict[int, int | str] | None = None,
        on_end: Callable[[Failure], None] = lambda reason: None,
        environment: dict[str, str] | None = None,
    ) -> None:
        self._on_end = on_end
        self._has_ended = False
        self._waiting: list[Deferred[None]] = []
        self._killing = Timer(reactor)
        self._reactor = reactor
        self._at_shutdown: Any = None
        env = child_environment() if environment is None else environment
        reactor.spawnProcess(self, command[0], command, env=env, childFDs=child_fds)

    def wait_or_kill(self, seconds: float) -> Deferred[None]:
        """Wait for the end of the process; kill it after some seconds, or when the reactor ends."""
        if self._has_ended:
            return succeed(None)
        ended: Deferred[None] = Deferred()
        self._waiting.append(ended)
        self._killing.start_unless_pending(seconds, self._kill)
        if self._at_shutdown is None:
            when = "after", "shutdown"
            self._at_shutdown = self._reactor.addSystemEventTrigger(*when, self._on_shutdown)
        return ended

    def processEnded(self, reason: Failure) -> None:
        self._has_ended = True
        self._killing.cancel()
        if self._at_shutdown is not None:
            self._reactor.removeSystemEventTrigger(self._at_shutdown)
        self._on_end(reason)
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

    def _on_shutdown(self) -> None:
        self._at_shutdown = None  # it is called now: it can no longer be removed
        self._kill()

    def _kill(self) -> None:
        assert self.transport is not None
        with suppress(ProcessExitedAlready):
            self.transport.signalProcess("KILL")
