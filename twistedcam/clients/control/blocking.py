"""A client of the control port for programs without an event loop, or a thread of one."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections import deque
from collections.abc import Iterator, Sequence

from twistedcam.clients.control.dialogue import ControlClientSession, Message, answer, write_line
from twistedcam.clients.sockets import connect_tcp, connect_unix
from twistedcam.errors import BadArgument, NoServer
from twistedcam.tls.client import Trust, explained

DEFAULT_ENDPOINT = "tcp:127.0.0.1:9531"


class BlockingClient:
    """A connection to the control port; every call waits.

    Arguments:
        endpoint: ``HOST:PORT`` or ``tcp:HOST:PORT``, ``tls:HOST:PORT`` (the host's certificate is
            checked) or ``unix:PATH``.
        timeout: seconds to wait for the connection and for the greeting.
        token: what it says to ``auth``, if anything.
        trust: for ``tls:``, which certificate is the right one; by default any that the system
            trusts.

    Raises:
        BadArgument: that is no endpoint.
        NoServer: nothing answers there, or something else does.
        CertificateRefused: it is not the right server.
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
        self._dialogue = ControlClientSession(token)
        self._messages: deque[Message] = deque()
        self._is_closed = False
        try:
            self._socket = _connect(endpoint, timeout, trust or Trust())
        except UnicodeError:  # a name that no host can have
            raise NoServer(f"no server at {endpoint}: that is no name of a host") from None
        except OSError as error:
            why = error.strerror or str(error) or "no answer"
            raise NoServer(
                f"no server at {endpoint}: {why}: 'twistedcam serve' starts one"
            ) from None
        try:
            self._send(self._dialogue.opening)
            while not self._dialogue.is_ready:
                self._receive()
            self._socket.settimeout(None)
        except BaseException:
            self._socket.close()
            raise

    @property
    def server_version(self) -> str:
        """The version that the server greeted with."""
        return self._dialogue.server_version or ""

    @property
    def granted(self) -> Message:
        """What ``auth`` was answered; empty without a token, and from an older server."""
        return self._dialogue.granted

    def ask(self, *words: str, timeout: float | None = None) -> Message:
        """Carry out one command; the answer's fields. A list is under its plural name.

        Arguments:
            timeout: seconds to wait, or None: ``start`` of a slow camera takes its time.

        Raises:
            CommandError: as the server answered.
            NoServer: the connection is lost, or the time is over; then it is of no more use.
        """
        return self.ask_all([words], timeout)[0]

    def ask_all(
        self, commands: Sequence[Sequence[str]], timeout: float | None = None
    ) -> list[Message]:
        """Send several commands at once and wait for all answers; the first error is raised."""
        self._send(b"".join(write_line(list(words)) for words in commands))
        self._socket.settimeout(timeout)
        answers: list[Message] = []
        while len(answers) < len(commands):
            message = self._next()
            if "ok" in message:
                answers.append(message)
        return [answer(each) for each in answers]

    def has_ended(self) -> bool:
        """Whether the server has ended the connection; to be asked while it owes no answer."""
        self._socket.settimeout(0)
        try:
            self._socket.recv(65536)  # the end, or the server's last words
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        else:
            return True
        finally:
            self._socket.settimeout(None)

    def watch(self, camera: str | None = None) -> Iterator[Message]:
        """Events as they happen, each its fields with ``event``: its kind.

        The server watches when this returns. Ends when ``close`` is called from another thread.

        Raises:
            NoServer: the connection is lost.
        """
        self.ask("watch", *([] if camera is None else [camera]))
        return self._events()

    def close(self) -> None:
        """End the connection; who waits in another thread is woken."""
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
        self._messages.extend(self._dialogue.feed(data))

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
        raise BadArgument(f"{endpoint!r} is no endpoint: HOST:PORT, tls:HOST:PORT, unix:PATH")
    return connect_tcp(host, int(port), trust if kind == "tls" else None, timeout)
