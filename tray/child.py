"""A server that the tray starts, and stops when it ends."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tray.errors import TrayError
from twistedcam.runtime.child_process import last_line, wait_or_kill
from twistedcam.runtime.home import home_folder

#: Seconds that the server has to shut down.
TIMEOUT = 3.0
PR_SET_PDEATHSIG = 1
#: Loaded now: between fork and exec this could wait for another thread's lock without end.
PRCTL = ctypes.CDLL(None).prctl if sys.platform.startswith("linux") else None


class ChildServer:
    """Runs at most one server.

    Arguments:
        words: the options of ``twistedcam serve``.
        log: the file for its log.
        stays: True if it runs on when the tray ends.
        on_end: called from a thread with the last lines of its log if it ends with an error.
    """

    def __init__(
        self, words: Sequence[str], log: Path, stays: bool, on_end: Callable[[str], None]
    ) -> None:
        self._command = [sys.executable, "-m", "twistedcam", "serve", *words]
        self._log = log
        self._stays = stays
        self._on_end = on_end
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def runs(self) -> bool:
        """True if it is running."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it if it is not running. Call this in the main thread.

        Raises:
            TrayError: it cannot be started.
        """
        if self.runs:
            return
        try:
            self._start()
        except OSError as error:
            raise TrayError(f"The camera server cannot be started: {error.strerror}") from None

    def _start(self) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        bound = sys.platform.startswith("linux") and not self._stays
        with self._log.open("wb") as log:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the tray's terminal is for the tray
                preexec_fn=_end_with_parent if bound else None,
            )
        self._process = process
        threading.Thread(
            target=self._wait, args=(process,), name="tray server", daemon=True
        ).start()

    def end(self) -> None:
        """Shut it down, unless it stays."""
        process, self._process = self._process, None
        if process is None or self._stays or process.poll() is not None:
            return
        process.terminate()
        wait_or_kill(process, TIMEOUT)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        if process.wait() != 0 and self._process is process:
            self._on_end(last_line(self._log.read_bytes()) or "no reason")


def _end_with_parent() -> None:
    """Make the child on Linux shut down when the tray dies, even by SIGKILL."""
    if PRCTL is not None:
        PRCTL(PR_SET_PDEATHSIG, signal.SIGTERM)


def log_file(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Return the path of the server's log."""
    home = home_folder()
    if platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif platform == "darwin":
        base = home / "Library" / "Logs"
    else:
        base = Path(environ.get("XDG_STATE_HOME") or home / ".local" / "state")
    return base / "twistedcam" / "server.log"
