"""The process that runs user code: asks the server for frames and sends back the results.

Messages are tuples over a ``multiprocessing`` connection: ``ready`` once, ``take`` to ask for a
frame, ``result``, ``done`` and ``undecodable`` (loop.Reports), and ``failed`` at the end.
"""

from __future__ import annotations

import inspect
import signal
import sys
import traceback
from multiprocessing.connection import Connection

import cv2

from twistedcam.errors import TwistedcamError
from twistedcam.media.frame import Frame
from twistedcam.processing.loop import run
from twistedcam.processing.results import Result
from twistedcam.processing.user_code import LOADED, REFUSED, Code, describe


class ConnectionReports:
    """Sends reports to the server, and receives frames from it (loop.Reports).

    Arguments:
        connection: the child's end of the connection.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._quality = 80

    def take(self) -> Frame | None:
        """Ask for the newest frame, and wait for it; return None at the end."""
        self._connection.send(("take",))
        try:
            given = self._connection.recv()
        except (EOFError, OSError):
            return None  # the server has ended, or ends this process
        if given is None:
            return None
        self._quality, *fields = given
        return Frame(*fields)

    def on_result(self, result: Result) -> None:
        """Send a result. Its picture is encoded here, so that the server need not do it."""
        jpeg = None
        if result.image is not None:
            options = [cv2.IMWRITE_JPEG_QUALITY, self._quality]
            jpeg = cv2.imencode(".jpg", result.image, options)[1].tobytes()
        self._connection.send(("result", jpeg, result.data))

    def on_frame_done(self, seconds: float) -> None:
        """Send the time that a frame took."""
        self._connection.send(("done", seconds))

    def on_undecodable(self, reason: str) -> None:
        """Send that a frame cannot be decoded."""
        self._connection.send(("undecodable", reason))


def main(arguments: list[str]) -> int:
    """Run ``--check CODE``, or ``CODE FD``; return the exit code."""
    if arguments[0] == "--check":
        try:
            Code.of(arguments[1]).load()
        except TwistedcamError as error:
            print(error, file=sys.stderr)
            return REFUSED
        return LOADED
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # at Ctrl-C the server ends this in order
    connection = Connection(int(arguments[1]))
    try:
        function = Code.of(arguments[0]).load()
        connection.send(("ready", inspect.isasyncgenfunction(function)))
        reports = ConnectionReports(connection)
        run(function, reports.take, reports)
    except (BrokenPipeError, ConnectionResetError):
        return 0  # the server has ended
    except Exception as error:
        connection.send(("failed", describe(error), traceback.format_exc()))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
