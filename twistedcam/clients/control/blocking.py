"""A client of the control port for programs without an event loop, or for a thread."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections import deque
from collections.abc import Iterator, Sequence

from twistedcam.clients.control.dialogue import (
    DEFAULT_ENDPOINT,
    ControlClientSession,
    Message,
    answer,
    write_line,
)
from twistedcam.clients.sockets import connect_tcp, connect_unix
from twistedcam.errors import BadArgument, NoServer
from twistedcam.tls.client import Trust, explained


class BlockingClient:
    """A connection to the control port; every call blocks.

    Arguments:
        endpoint: ``HOST:PORT`` or ``tcp:HOST:PORT``, ``tls:HOST:PORT`` (the host's certificate is
            checked) or ``unix:PATH``.
        timeout: seconds to wait for the connection and for the greeting.
        token: the token, if the server has tokens.
        trust: for ``tls:``, the certificates to accept; by default those that the system trusts.

    Raises:
        BadArgument: the endpoint is invalid.
        NoServer: there is no control port at the endpoint.
        CertificateRefused: the server's certificate is not trusted.
        Unauthorized, CommandError: the server refuses this client.
    """

    def __init__(
        self,
        endpoint: str = DEFAULT_ENDPOINT,
        timeout: float = 5.0,
        *,
        token: str | None = None,
        trust: Trust | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._session = ControlClientSession(token)
        self._messages: deque[Message] = deque()
        self._is_closed = False
        try:
            self._socket = _connect(endpoint, timeout, trust or Trust())
        except UnicodeError:  # an invalid host name
            raise NoServer(f"no server at {endpoint}: this is not a host name") from None
        except OSError as error:
            why = error.strerror or str(error) or "no answer"
            raise NoServer(
                f"no server at {endpoint}: {why}: 'twistedcam serve' starts one"
            ) from None
        try:
            self._send(self._session.opening)
            while not self._session.is_ready:
                self._receive()
            self._socket.settimeout(None)
        except BaseException:
            self._socket.close()
            raise

    @property
    def server_version(self) -> str:
        """The server's version, from its greeting."""
        return self._session.server_version or ""

    @property
    def granted(self) -> Message:
        """The answer to ``auth``; empty without a token, and from an older server."""
        return self._session.granted

    def ask(self, *words: str, timeout: float | None = None) -> Message:
        """Execute a command and return the answer's fields; a list is under its plural name.

        Arguments:
            timeout: seconds to wait, or None: ``start`` of a slow camera may take long.

        Raises:
            CommandError: the server's error.
            NoServer: the connection is lost, or the time is over; it cannot be used any more.
        """
        return self.ask_all([words], timeout)[0]

    def ask_all(
        self, commands: Sequence[Sequence[str]], timeout: float | None = None
    ) -> list[Message]:
        """Execute several commands that are sent at once, and return all answers.

        Raises the first error, after all answers have come.
        """
        self._send(b"".join(write_line(list(words)) for words in commands))
        self._socket.settimeout(timeout)
        answers: list[Message] = []
        while len(answers) < len(commands):
            message = self._next()
            if "ok" in message:
                answers.append(message)
        return [answer(each) for each in answers]

    def has_ended(self) -> bool:
        """True if the server has closed the connection. Only valid while no answer is pending."""
        self._socket.settimeout(0)
        try:
            self._socket.recv(65536)  # the end, or the server's last message
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        else:
            return True
        finally:
            self._socket.settimeout(None)

    def watch(self, camera: str | None = None) -> Iterator[Message]:
        """Yield events as they happen: a dict of the fields, with the kind as ``event``.

        The server sends events from the time when this returns. The iterator ends when ``close`` is
        called from another thread.

        Raises:
            NoServer: the connection is lost.
        """
        self.ask("watch", *([] if camera is None else [camera]))
        return self._events()

    def close(self) -> None:
        """Close the connection; calls that block in other threads return."""
        self._is_closed = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def __enter__(self) -> BlockingClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _events(self) -> Iterator[Message]:
        while True:
            try:
                yield self._next()
            except NoServer:
                if self._is_closed:
                    return
                raise

    def _next(self) -> Message:
        while not self._messages:
            self._receive()
        return self._messages.popleft()

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise self._lost(error) from None

    def _receive(self) -> None:
        try:
            data = self._socket.recv(65536)
        except OSError as error:
            raise self._lost(error) from None
        if not data:
            raise NoServer("the server has closed the connection")
        self._messages.extend(self._session.feed(data))

    def _lost(self, error: OSError) -> NoServer:
        if isinstance(error, TimeoutError):
            return NoServer(f"the server at {self.endpoint} does not answer")
        clear = explained(error)
        why = clear if clear is not error else error.strerror or error
        return NoServer(f"the server at {self.endpoint} is lost: {why}")


def _connect(endpoint: str, timeout: float, trust: Trust) -> socket.socket:
    kind, _, rest = endpoint.partition(":")
    if kind not in ("tcp", "tls", "unix"):
        kind, rest = "tcp", endpoint
    if kind == "unix" and rest:
        return connect_unix(rest.removeprefix("path="), timeout)
    host, _, port = rest.rpartition(":")
    # Twisted's endpoint strings escape the colons of an IPv6 address, and may name their words.
    host = host.removeprefix("host=").replace("\\:", ":").strip("[]")
    port = port.removeprefix("port=")
    is_port = re.fullmatch("[0-9]{1,5}", port) and int(port) <= 65535
    if kind == "unix" or not host or not is_port:
        raise BadArgument(f"{endpoint!r} is not an endpoint: HOST:PORT, tls:HOST:PORT, unix:PATH")
    return connect_tcp(host, int(port), trust if kind == "tls" else None, timeout)
