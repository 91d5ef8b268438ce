"""Where user code runs: in this process, or in one of its own."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, Protocol

from twistedcam.media.frame import Frame
from twistedcam.processing.loop import Reports, Take, run
from twistedcam.processing.results import Result
from twistedcam.processing.user_code import CHECK_TIMEOUT, Code, describe, environment
from twistedcam.runtime.child_process import describe_exit, wait_or_kill

#: Seconds that a function in a process may take for one frame before the process is ended.
HANG = 30.0
#: Seconds that an async generator in a process may keep a frame and give nothing: it may have to
#: wait for other things.
GENERATOR_HANG = 60.0
#: Seconds that a process may take to end once it was told to.
GRACE = 0.5


class Failed(Exception):
    """User code failed; ``trace`` is where, as far as that is known."""

    def __init__(self, reason: str, trace: str = "") -> None:
        super().__init__(reason)
        self.trace = trace


class Work(Protocol):
    """Runs user code, once, on the caller's thread, which it blocks."""

    def run(self, take: Take, reports: Reports) -> None:
        """Go on until ``take`` gives None.

        Raises:
            Failed: the code did.
        """

    def kill(self) -> None:
        """End it even if it hangs, where that can be done. Called on another thread."""


class InThread:
    """In this process."""

    def __init__(self, code: Code) -> None:
        self._code = code

    def run(self, take: Take, reports: Reports) -> None:
        """Run it here."""
        try:
            run(self._code.load(), take, reports)
        except Exception as error:
            raise Failed(describe(error), traceback.format_exc()) from None

    def kill(self) -> None:
        """A thread cannot be ended: it is left behind."""


class InProcess:
    """In a process of its own, which may crash or hang and cost nobody else a frame.

    Arguments:
        code: what it imports.
        quality: gives the JPEG quality for its pictures, 1 to 100.
    """

    def __init__(self, code: Code, quality: Callable[[], int]) -> None:
        self._code = code
        self._quality = quality
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, take: Take, reports: Reports) -> None:
        """Start the process and carry frames there and results back."""
        ours, theirs = Pipe()
        with ours:
            with theirs:
                number = theirs.fileno()
                command = [sys.executable, "-m", "twistedcam.processing.child_process"]
                self._process = process = subprocess.Popen(
                    [*command, self._code.text, str(number)],
                    pass_fds=[number],
                    stdin=subprocess.DEVNULL,
                    env=environment(),
                )
            try:
                self._carry(ours, take, reports)
            except (EOFError, OSError):
                raise Failed(f"its process {describe_exit(wait_or_kill(process, GRACE))}") from None
            finally:
                ours.close()
                wait_or_kill(process, GRACE)

    def kill(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()

    def _carry(self, link: Connection, take: Take, reports: Reports) -> None:
        frame: Frame | None = None
        patience = CHECK_TIMEOUT
        while True:
            if not link.poll(patience):
                raise Failed(f"it gave nothing for {patience:g} s: its process is ended")
            message: tuple[Any, ...] = link.recv()
            match message:
                case ("ready", is_generator):
                    patience = GENERATOR_HANG if is_generator else HANG
                case ("take",):
                    if (frame := take()) is None:
                        link.send(None)
                        return
                    size = (frame.width, frame.height)
                    link.send((self._quality(), frame.seq, frame.time_us, *size, frame.jpeg))
                case ("gave", jpeg, data):
                    assert frame is not None
                    reports.gave(Result(frame, jpeg=jpeg, data=data))
                case ("took", seconds):
                    reports.took(seconds)
                case ("left out", reason):
                    reports.left_out(reason)
                case ("failed", reason, trace):
                    raise Failed(reason, trace)
