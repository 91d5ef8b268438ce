"""Executors of user code: in a thread of the server, or in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from twistedcam.media.frame import Frame
from twistedcam.processing.loop import Reports, Take, run
from twistedcam.processing.results import Result
from twistedcam.processing.user_code import CHECK_TIMEOUT, Code, describe, environment
from twistedcam.runtime.child_process import describe_exit, wait_or_kill

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

#: The most seconds that a function in a process may take for one frame.
HANG = 30.0
#: The most seconds that an async generator in a process may keep a frame without a result; it may
#: have to wait for something else.
GENERATOR_HANG = 60.0
#: The most seconds that a process may take to end.
GRACE = 0.5


class Failed(Exception):
    """User code failed.

    Arguments:
        reason: the error in a line.
        trace: the traceback; empty if it is unknown.
    """

    def __init__(self, reason: str, trace: str = "") -> None:
        super().__init__(reason)
        self.trace = trace


class Executor(Protocol):
    """Runs user code once, on the caller's thread."""

    def run(self, take: Take, reports: Reports) -> None:
        """Run the code until ``take`` returns None. Blocks.

        Raises:
            Failed: the code has failed.
        """

    def kill(self) -> None:
        """End the code even if it hangs, if that is possible. Called on another thread."""


class InThread:
    """Runs user code in this process."""

    def __init__(self, code: Code) -> None:
        self._code = code

    def run(self, take: Take, reports: Reports) -> None:
        """Run the code until ``take`` returns None. Blocks."""
        try:
            run(self._code.load(), take, reports)
        except Exception as error:
            raise Failed(describe(error), traceback.format_exc()) from None

    def kill(self) -> None:
        """Do nothing: a thread cannot be ended."""


class InProcess:
    """Runs user code in a process of its own, so that a crash or a hang affects nothing else.

    Arguments:
        code: imported by the process.
        quality: returns the JPEG quality of its pictures, 1 to 100.
    """

    def __init__(self, code: Code, quality: Callable[[], int]) -> None:
        self._code = code
        self._quality = quality
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, take: Take, reports: Reports) -> None:
        """Start the process, send it frames and receive its results. Blocks."""
        from multiprocessing import Pipe  # few servers have code in a process

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
                self._exchange(ours, take, reports)
            except (EOFError, OSError):
                raise Failed(f"its process {describe_exit(wait_or_kill(process, GRACE))}") from None
            finally:
                ours.close()
                wait_or_kill(process, GRACE)

    def kill(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()

    def _exchange(self, connection: Connection, take: Take, reports: Reports) -> None:
        frame: Frame | None = None
        patience = CHECK_TIMEOUT
        while True:
            if not connection.poll(patience):
                raise Failed(f"no result for {patience:g} s; its process was killed")
            message: tuple[Any, ...] = connection.recv()
            match message:
                case ("ready", is_generator):
                    patience = GENERATOR_HANG if is_generator else HANG
                case ("take",):
                    if (frame := take()) is None:
                        connection.send(None)
                        return
                    size = (frame.width, frame.height)
                    connection.send((self._quality(), frame.seq, frame.time_us, *size, frame.jpeg))
                case ("result", jpeg, data):
                    assert frame is not None
                    reports.on_result(Result(frame, jpeg=jpeg, data=data))
                case ("done", seconds):
                    reports.on_frame_done(seconds)
                case ("undecodable", reason):
                    reports.on_undecodable(reason)
                case ("failed", reason, trace):
                    raise Failed(reason, trace)
