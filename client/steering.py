"""The viewer's way to the server's control port: a command at a time, never in the way."""

from __future__ import annotations

import queue
import shlex
import socket
import threading
from collections.abc import Callable

from twistedcam.errors import BadArgument

DEFAULT_PORT = 9531
_TIMEOUT = 10.0


class Steering:
    """Sends commands from a thread of its own.

    Arguments:
        address: (host, port) of the control port.
        token: what opens it, or None.
        answered: called, on that thread, with a line to show a person.
    """

    def __init__(
        self, address: tuple[str, int], token: str | None, answered: Callable[[str], None]
    ) -> None:
        self._address = address
        self._token = token
        self._answered = answered
        self._commands: queue.Queue[str | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)
        self._thread.start()

    def send(self, command: str) -> None:
        """Have the server carry out a command."""
        self._commands.put(command)

    def close(self) -> None:
        """Send what was asked for, and no more."""
        self._commands.put(None)
        self._thread.join(_TIMEOUT)

    def _run(self) -> None:
        while (command := self._commands.get()) is not None:
            try:
                answer = ask(self._address, command, self._token)
            except OSError as error:
                answer = f"no control port at {self._address[0]}:{self._address[1]}: {error}"
            self._answered(f"{command}: {answer}")


def ask(address: tuple[str, int], command: str, token: str | None = None) -> str:
    """A command's answer on one line: ``OK …`` with what it told, or ``ERR …``.

    Raises:
        OSError: nobody answers there.
    """
    lines = [f"auth {shlex.quote(token)}"] if token else []
    with (
        socket.create_connection(address, _TIMEOUT) as connection,
        connection.makefile("rw") as talk,
    ):
        talk.readline()
        for line in (*lines, command):
            talk.write(line + "\n")
            talk.flush()
            told = []
            while True:
                answer = talk.readline()
                if not answer:
                    raise ConnectionResetError("the server has closed the connection")
                if answer.startswith(("OK", "ERR")):
                    break
                told.append(answer.strip())
            if answer.startswith("ERR"):
                return answer.strip()
        return " ".join(["OK", *told])


def parse_control(text: str, host: str) -> tuple[str, int]:
    """``HOST:PORT``, ``:PORT`` or nothing: where the control port is.

    Raises:
        BadArgument: that is no address.
    """
    name, _, port = text.rpartition(":") if ":" in text else (text, "", "")
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        raise BadArgument(f"{text!r} is no address of a control port: HOST:{DEFAULT_PORT}")
    return name.strip("[]") or host or "localhost", int(port or DEFAULT_PORT)
