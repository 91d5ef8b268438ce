"""The two actions of hooks: running a program, and sending a request. Both block."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import IO
from urllib.parse import urlsplit

from twistedcam.runtime.child_process import describe_exit, last_line, wait_or_kill
from twistedcam.util.libraries import requests
from twistedcam.version import __version__

#: Bytes of a program's output that are kept.
_KEPT = 4096
#: Seconds between two looks at a program that runs.
_POLL = 0.05
#: Seconds that a program gets to end when it is told to.
_GRACE = 1.0


class ActionFailed(Exception):
    """A program or a request has failed. The message is a reason without secrets.

    Arguments:
        detail: the last line of the program's output, which may have secrets.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.detail = detail


class Programs:
    """Runs programs, each on the caller's thread, and ends all of them when the server stops."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._has_ended = False

    def run(
        self, arguments: list[str], environment: Mapping[str, str], data: bytes, timeout: float
    ) -> None:
        """Run a program in a process group of its own, and wait for its end. Blocks.

        Programs that it has left running in the background are not waited for.

        Arguments:
            data: its standard input.
            timeout: seconds after which it is ended.

        Raises:
            ActionFailed: it cannot be started, fails, or takes too long.
        """
        with tempfile.TemporaryFile() as given:
            given.write(data)
            given.seek(0)
            process = self._start(arguments, environment, given)
        try:
            output = _wait(process, timeout)
        finally:
            with self._lock:
                self._running.discard(process)
            assert process.stdout is not None
            process.stdout.close()
        if output is None:
            raise ActionFailed(f"it did not end within {timeout:g} s, and was killed")
        if process.returncode:
            raise ActionFailed(f"it {describe_exit(process.returncode)}", last_line(output))

    def end(self) -> None:
        """End all programs, and start no more."""
        with self._lock:
            self._has_ended = True
            for process in self._running:
                _signal(process, signal.SIGTERM)

    def _start(
        self, arguments: list[str], environment: Mapping[str, str], given: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._has_ended:
                raise ActionFailed("the server is stopping")
            try:
                process = subprocess.Popen(
                    arguments,
                    stdin=given,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                raise ActionFailed(f"it cannot be started: {reason}") from None
            self._running.add(process)
            return process


def _wait(process: subprocess.Popen[bytes], timeout: float) -> bytes | None:
    """Wait for the end of a program; return the end of its output, or None after a timeout."""
    assert process.stdout is not None
    fd, output = process.stdout.fileno(), b""
    os.set_blocking(fd, False)
    until = time.monotonic() + timeout
    is_open = True
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while process.poll() is None:
            if time.monotonic() > until:
                _signal(process, signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_GRACE)
                _signal(process, signal.SIGKILL)
                wait_or_kill(process, _GRACE)
                return None
            if is_open and selector.select(_POLL):
                read = _read(fd)
                is_open = read != b""
                output = (output + (read or b""))[-_KEPT:]
            elif not is_open:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_POLL)
    while read := _read(fd):
        output = (output + read)[-_KEPT:]
    return output


def _read(fd: int) -> bytes | None:
    """Read what is there; None if there is nothing, empty at the end."""
    try:
        return os.read(fd, 65536)
    except BlockingIOError:
        return None


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal to a program and the programs that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def post(url: str, headers: Mapping[str, str], data: bytes, timeout: float) -> None:
    """Send JSON by POST. Blocks.

    Arguments:
        timeout: seconds to connect, and seconds without an answer.

    Raises:
        ActionFailed: the server cannot be reached, or does not accept it.
    """
    named = {
        "Content-Type": "application/json",
        "User-Agent": f"twistedcam/{__version__}",
        **headers,
    }
    host = urlsplit(url).hostname
    try:
        with requests.post(
            url, data=data, headers=named, timeout=timeout, stream=True, allow_redirects=False
        ) as response:
            status = response.status_code
            if status >= 400:
                raise ActionFailed(f"{host} answered HTTP {status}")
            if status >= 300:
                raise ActionFailed(f"{host} answered HTTP {status}: it has another address")
    except requests.Timeout:
        raise ActionFailed(f"{host} did not answer within {timeout:g} s") from None
    except requests.exceptions.SSLError:
        raise ActionFailed(f"the certificate of {host} is not accepted") from None
    except requests.RequestException as error:  # its text may have the address with its secrets
        raise ActionFailed(f"{host} cannot be reached ({type(error).__name__})") from None
    except (ValueError, OSError):
        raise ActionFailed(f"{host} cannot be reached") from None
