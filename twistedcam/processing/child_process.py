"""The process that user code runs in: asks for frames, and sends back what comes of them.

Messages are tuples over a ``multiprocessing`` connection. It says ``ready``, then ``take`` each
time it wants a frame, and ``gave``, ``took``, ``left out`` and at last perhaps ``failed``.
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


class Talk:
    """The child's end of the connection (running.Reports)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._quality = 80

    def take(self) -> Frame | None:
        """Ask for the newest frame and wait for it."""
        self._connection.send(("take",))
        try:
            given = self._connection.recv()
        except (EOFError, OSError):
            return None  # the server is gone, or wants this to end
        if given is None:
            return None
        self._quality, *fields = given
        return Frame(*fields)

    def gave(self, result: Result) -> None:
        """Send a result; its picture is encoded here, where it costs the server nothing."""
        jpeg = None
        if result.image is not None:
            options = [cv2.IMWRITE_JPEG_QUALITY, self._quality]
            jpeg = cv2.imencode(".jpg", result.image, options)[1].tobytes()
        self._connection.send(("gave", jpeg, result.data))

    def left_out(self, reason: str) -> None:
        """Tell that a frame cannot be decoded."""
        self._connection.send(("left out", reason))

    def took(self, seconds: float) -> None:
        """Tell how long a frame took."""
        self._connection.send(("took", seconds))


def main(arguments: list[str]) -> int:
    """``--check CODE``, or ``CODE FD``."""
    if arguments[0] == "--check":
        try:
            Code.of(arguments[1]).load()
        except TwistedcamError as error:
            print(error, file=sys.stderr)
            return REFUSED
        return LOADED
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's: it ends this in order
    connection = Connection(int(arguments[1]))
    try:
        function = Code.of(arguments[0]).load()
        connection.send(("ready", inspect.isasyncgenfunction(function)))
        talk = Talk(connection)
        run(function, talk.take, talk)
    except (BrokenPipeError, ConnectionResetError):
        return 0  # the server is gone
    except Exception as error:
        connection.send(("failed", describe(error), traceback.format_exc()))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
