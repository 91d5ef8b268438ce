"""A server of the tray's own: started on asking, ended with the tray unless it is to stay."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from twistedcam.runtime.child_process import last_line, wait_or_kill

#: Seconds that the server has to end in good order.
TIMEOUT = 3.0
PR_SET_PDEATHSIG = 1
#: Looked up now: between fork and exec it could wait for ever for another thread's lock.
PRCTL = ctypes.CDLL(None).prctl if sys.platform.startswith("linux") else None


class ChildServer:
    """At most one server at a time.

    Arguments:
        words: the options of ``twistedcam serve``.
        log: the file that its log goes to.
        stays: whether it goes on when the tray ends.
        on_end: called from a thread with what its log said last, when it ends with an error.
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
        """Whether it is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, if it does not run. To be called in the main thread.

        Raises:
            OSError: it cannot be started.
        """
        if self.runs:
            return
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
        """End it in good order, or not at all if it is to stay."""
        process, self._process = self._process, None
        if process is None or self._stays or process.poll() is not None:
            return
        process.terminate()
        wait_or_kill(process, TIMEOUT)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        if process.wait() != 0 and self._process is process:
            self._on_end(last_line(self._log.read_bytes()) or "no reason")


def _end_with_parent() -> None:
    """In the child, on Linux: end in good order when the tray dies, even by SIGKILL."""
    if PRCTL is not None:
        PRCTL(PR_SET_PDEATHSIG, signal.SIGTERM)


def log_file(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Where the log of a server of the tray's own goes."""
    home = Path.home()
    if platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif platform == "darwin":
        base = home / "Library" / "Logs"
    else:
        base = Path(environ.get("XDG_STATE_HOME") or home / ".local" / "state")
    return base / "twistedcam" / "server.log"
