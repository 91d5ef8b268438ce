"""A server in a process of its own, on ports that are free."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Self

from twistedcam.clients.control.blocking import BlockingClient
from twistedcam.clients.control.dialogue import Message
from twistedcam.errors import StartupError

_LOCAL = "tcp:0:interface=127.0.0.1"
_PORTS = ("listen", "control", "http", "rtsp")
#: Seconds that the start, the end, and a change of state may take on a busy machine.
_PATIENCE = 60.0


class CameraServer:
    """Runs ``twistedcam serve`` in a process. A context manager.

    Its ports listen on 127.0.0.1 and have free numbers.

    Arguments:
        options: options of ``twistedcam serve``. Without ``--camera`` and ``--config`` the server
            has the camera ``cam``, a test picture of 640x480 pixels with numbered frames.
        recordings: the recordings folder; by default a temporary one, which is deleted at the end.
        token: sent before commands, if the options have ``--tokens``.

    Raises:
        StartupError: the server did not start; the message is what it has logged.
    """

    def __init__(
        self, *options: str, recordings: Path | None = None, token: str | None = None
    ) -> None:
        self._token = token
        given = {option.partition("=")[0] for option in options}
        self._words = [*options, "--no-keys"]
        if not given & {"--camera", "--config"}:
            self._words += ["--camera", "cam=pattern:"]
        for port in _PORTS:
            if not given & {f"--{port}", f"--no-{port}"}:
                self._words += [f"--{port}", _LOCAL]
        self._is_temporary = recordings is None
        #: The recordings folder.
        self.recordings = recordings or Path(tempfile.mkdtemp(prefix="twistedcam-testing-"))
        self._words += ["--recordings", str(self.recordings)]
        self._greeting: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._log_file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "twistedcam", "serve", *self._words],
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log_file,
            text=True,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._greeting.append(line.rstrip())
            if line.startswith("  stop"):
                return self
        log = self.log
        self.__exit__()
        raise StartupError(f"the server did not start: {log.strip()}")

    def __exit__(self, *_: object) -> None:
        process = self._process
        assert process is not None and process.stdout is not None
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        self._log_file.close()
        if self._is_temporary:
            shutil.rmtree(self.recordings, ignore_errors=True)

    def url(self, camera: str = "cam") -> str:
        """Return the address of a camera for ``twistedcam.connect`` and ``twistedcam view``."""
        return f"{self._find(r'twistedcams?://[^ ]+')}/{camera}"

    @property
    def http(self) -> str:
        """The address of the page, without a slash at the end."""
        return self._find(r"https?://[^ /]+")

    def rtsp(self, camera: str = "cam") -> str:
        """Return the address of a camera for RTSP."""
        return f"{self._find('rtsps?://[^ /]+')}/{camera}"

    @property
    def control(self) -> str:
        """The control port as ``HOST:PORT``, for ``twistedcam ctl --connect``."""
        return self._find(r"telnet ([^ ]+ \d+)").replace(" ", ":")

    @property
    def log(self) -> str:
        """The text that the server has logged."""
        return os.pread(self._log_file.fileno(), 2**24, 0).decode(errors="replace")

    def command(self, *words: str) -> Message:
        """Execute a command of the control port, and return the fields of its answer.

        Raises:
            CommandError: the server has refused it.
        """
        with contextlib.closing(BlockingClient(self.control, token=self._token)) as client:
            return client.ask(*words, timeout=_PATIENCE)

    def status(self, camera: str = "cam") -> Message:
        """Return the status of a camera, as ``twistedcam ctl status`` shows it."""
        return self.command("status", camera)

    def wait_for_state(
        self, state: str, camera: str = "cam", timeout: float = _PATIENCE
    ) -> Message:
        """Wait until a camera has this state, such as ``live`` or ``recovering``.

        Arguments:
            timeout: seconds to wait.

        Returns:
            The camera's status.

        Raises:
            TimeoutError: it had another state all the time.
        """
        until = time.monotonic() + timeout
        with contextlib.closing(BlockingClient(self.control, token=self._token)) as client:
            while True:
                found = client.ask("status", camera, timeout=_PATIENCE)
                if found["state"] == state:
                    return found
                if time.monotonic() > until:
                    raise TimeoutError(f"{camera} is {found['state']} after {timeout:g} s")
                time.sleep(0.02)

    def _find(self, pattern: str) -> str:
        """Return what the server has printed at its start.

        Raises:
            LookupError: the server has no such port.
        """
        found = re.search(pattern, "\n".join(self._greeting))
        if found is None:
            raise LookupError(f"the server was started without this port: {self._greeting}")
        return found[found.re.groups]
