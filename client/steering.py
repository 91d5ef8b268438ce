"""Sends the viewer's commands to a server's control port without blocking the viewer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from twistedcam.clients.control.blocking import BlockingClient
from twistedcam.clients.frames import CameraAddress
from twistedcam.errors import BadArgument, TwistedcamError
from twistedcam.tls.client import Trust

DEFAULT_PORT = 9531
_KINDS = ("tcp", "tls", "unix")
#: Seconds for a connection, and for an answer: starting a camera takes long.
_CONNECT, _ANSWER = 5.0, 30.0


class RemoteControl:
    """Sends commands from a separate thread, each on its own connection.

    Arguments:
        endpoint: ``tcp:HOST:PORT``, ``tls:HOST:PORT`` or ``unix:PATH`` of the control port.
        token: the token, or None.
        trust: with ``tls:``, which certificates are accepted.
        answered: called on that thread with a line to show.
    """

    def __init__(
        self, endpoint: str, token: str | None, trust: Trust, answered: Callable[[str], None]
    ) -> None:
        self._endpoint = endpoint
        self._token = token
        self._trust = trust
        self._answered = answered
        self._commands: queue.Queue[tuple[str, ...] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)
        self._thread.start()

    def send(self, *words: str) -> None:
        """Send a command to the server."""
        self._commands.put(words)

    def close(self) -> None:
        """Send the waiting commands and stop."""
        self._commands.put(None)
        self._thread.join(_CONNECT)

    def _run(self) -> None:
        while (words := self._commands.get()) is not None:
            try:
                answer = " ".join(["OK", *_lines(self._ask(words))])
            except TwistedcamError as error:
                answer = str(error)
            self._answered(f"{' '.join(words)}: {answer}")

    def _ask(self, words: tuple[str, ...]) -> dict[str, Any]:
        trust, token = self._trust, self._token
        with BlockingClient(self._endpoint, _CONNECT, token=token, trust=trust) as client:
            return client.ask(*words, timeout=_ANSWER)


def _lines(answer: dict[str, Any]) -> list[str]:
    return [f"{name}: {value}" for name, value in answer.items() if value is not None]


def parse_control(text: str, target: CameraAddress) -> str:
    """Return the endpoint of the control port for viewers of ``target``.

    Arguments:
        text: ``HOST:PORT``, ``:PORT`` or empty: the defaults are the target's host and 9531, with
            TLS if the target has it; or an endpoint as for ``ctl --connect``.

    Raises:
        BadArgument: the text is not an address.
    """
    kind, _, rest = text.partition(":")
    if kind in _KINDS and (":" in rest or (kind == "unix" and rest)):
        return text
    name, _, port = text.rpartition(":") if ":" in text else (text, "", "")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise BadArgument(
            f"{text!r} is not an address of a control port: HOST:{DEFAULT_PORT}, or tcp:HOST:PORT, "
            "tls:HOST:PORT, unix:PATH"
        )
    host = name.strip("[]") or target.host
    if not host and target.path is not None:
        raise BadArgument(f"{target} does not say where the control port is: --control unix:PATH")
    return f"{'tls' if target.tls else 'tcp'}:{host}:{port or DEFAULT_PORT}"
