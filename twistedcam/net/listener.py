"""A port: an endpoint string and what answers there."""

from __future__ import annotations

import ipaddress
import re
from errno import EADDRINUSE
from typing import Any

from twisted.application.service import Service
from twisted.internet import tcp
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IListeningPort,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from twisted.python.failure import Failure

from twistedcam.errors import BadArgument, StartupError
from twistedcam.net.addresses import show_address
from twistedcam.runtime.scheduler import Scheduler
from twistedcam.tls.server_endpoint import LoadedCertificate, ServerCertificate, server_endpoint

#: Connections that may wait to be accepted; Twisted's own default is 50.
BACKLOG = 1024
#: Connections that a port accepts in one turn of the reactor.
MOST_ACCEPTED = 8


#: ``8080``, ``:8080``, ``127.0.0.1:8080``, ``localhost:8080``, ``[::1]:8080``, ``*:8080``
_SHORT = re.compile(r"(?:(?P<host>[0-9.]+|localhost|\*|\[[0-9A-Fa-f:.%a-z]+\])?:)?(?P<port>[0-9]+)")


def expand_endpoint(text: str) -> str:
    """The endpoint string that a port or HOST:PORT stands for; any other text as it is.

    A port without a host is one of the loopback interface.
    """
    match = _SHORT.fullmatch(text.strip())
    if match is None:
        return text
    host, port = match["host"], match["port"]
    if host == "*":
        return f"tcp:{port}"
    if host is None or host == "localhost":
        host = "127.0.0.1"
    if host.startswith("["):
        quoted = host[1:-1].replace(":", "\\:")
        return f"tcp6:{port}:interface={quoted}"
    return f"tcp:{port}:interface={host}"


class Listener(Service):
    """Listens on one endpoint for as long as the service runs.

    Arguments:
        reactor: where to listen.
        description: a Twisted server endpoint string.
        factory: what answers.
        example: an endpoint that the error for a wrong one names.
        scheduler: shares the time that TLS takes; by default the port has its own.

    Raises:
        BadArgument: that is no endpoint.
    """

    def __init__(
        self,
        reactor: Any,
        description: str,
        factory: IProtocolFactory,
        example: str = "tcp:9530:interface=127.0.0.1",
        scheduler: Scheduler | None = None,
    ) -> None:
        self.description = description
        self._factory = factory
        self._listening: Deferred[IListeningPort] | None = None
        self.port: IListeningPort | None = None
        self._endpoint: IStreamServerEndpoint | None = None
        #: What it shows over TLS.
        self.certificate: ServerCertificate | None = None
        try:
            _check_port(description)
            self._endpoint, self.certificate = server_endpoint(
                reactor, _with_backlog(description), scheduler
            )
        except Exception as error:  # each endpoint parser has its own ways to fail
            if isinstance(error, LookupError) and description.startswith("systemd:"):
                return  # systemd gives its sockets to the server alone: 'serve --check' has none
            raise BadArgument(
                f"{description!r} is no endpoint ({error}): write {example}, "
                f"or {example.split(':')[1]} for short"
            ) from None

    @property
    def address(self) -> str:
        """Where it listens, as a person writes it."""
        return show_address(self.port.getHost()) if self.port is not None else self.description

    @property
    def is_reachable(self) -> bool:
        """Whether other machines can reach it, of a port that listens: seen by its real address."""
        host = self._host
        return host is not None and not host.is_loopback

    @property
    def is_on_loopback(self) -> bool:
        """Whether it listens on this machine's loopback interface: by its real address, too."""
        host = self._host
        mapped = getattr(host, "ipv4_mapped", None)  # ::ffff:127.0.0.1
        return host is not None and bool((mapped or host).is_loopback)

    @property
    def _host(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        """What it is bound to; None for a socket file, and while it does not listen."""
        host = getattr(self.port.getHost(), "host", None) if self.port is not None else None
        return None if host is None else ipaddress.ip_address(host.partition("%")[0])

    @property
    def is_tls(self) -> bool:
        """Whether what is said there is encrypted."""
        return self.description.startswith("ssl:")

    def read_certificate(self) -> LoadedCertificate | None:
        """Read the files of the certificate again, without using them yet.

        Raises:
            BadArgument: they will not do.
        """
        if self.certificate is None:
            return None
        try:
            return self.certificate.read()
        except Exception as error:  # of many kinds, as when an endpoint is made
            reason = str(error) or type(error).__name__
            raise BadArgument(
                f"the certificate of {self.address} stays what it was: {reason}"
            ) from None

    def privilegedStartService(self) -> None:
        """Listen now, while the process may still use a low port.

        Raises:
            StartupError: the port cannot be had.
        """
        if self._endpoint is None:
            raise StartupError(
                f"cannot listen on {self.description}: systemd has given no such socket: start "
                "the socket's unit (systemctl enable --now twistedcam.socket), or write "
                "tcp:9530:interface=127.0.0.1"
            )
        failures: list[Failure] = []
        self._listening = self._endpoint.listen(self._factory)
        self._listening.addCallbacks(self._listens, failures.append)
        if failures:
            raise StartupError(f"cannot listen on {self.description}: {_reason(failures[0])}")

    def startService(self) -> None:
        """Listen, if it does not yet."""
        super().startService()
        if self._listening is None:
            self.privilegedStartService()

    async def _stop(self) -> None:
        port, self.port, self._listening = self.port, None, None
        if port is not None:
            await maybeDeferred(port.stopListening)

    def stopService(self) -> Deferred[None]:
        """Take no more connections."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    def _listens(self, port: IListeningPort) -> None:
        self.port = port
        if isinstance(port, tcp.Port):
            _accept_few(port)


def _accept_few(port: tcp.Port) -> None:
    """Have a port accept no more than ``MOST_ACCEPTED`` connections in one turn of the reactor.

    Twisted accepts twenty more each time that there are as many as before. A client that connects
    hundreds of times at once would keep everybody waiting. There is no option for it. A subclass of
    ``tcp.Port`` would serve the endpoints of TCP alone: for sockets from systemd and UNIX sockets
    the reactor makes the port. So the method of this one port is replaced.
    """
    accept = port.doRead

    def accept_few() -> None:
        port.numberAccepts = MOST_ACCEPTED
        accept()

    port.doRead = accept_few  # type: ignore[method-assign]


def _with_backlog(description: str) -> str:
    """With room for many who connect at once: one who finds none tries again after a second."""
    kind = description.partition(":")[0]
    if kind in ("tcp", "tcp6", "ssl", "unix") and ":backlog=" not in description:
        return f"{description}:backlog={BACKLOG}"
    return description


def is_local(description: str) -> bool:
    """Whether only this machine can reach an endpoint."""
    kind = description.partition(":")[0]
    return kind in ("unix", "systemd", "fd") or is_loopback(description)


def is_loopback(description: str) -> bool:
    """Whether an endpoint is a port of this machine's loopback interface."""
    rest = description.partition(":")[2]
    words = rest.replace("\\:", "\0").split(":")
    for word in words:
        key, equals, value = word.partition("=")
        if equals and key == "interface":
            host = value.replace("\0", ":").replace("\\", "")
            if host == "localhost":
                return True
            try:
                return ipaddress.ip_address(host).is_loopback
            except ValueError:
                return False
    return False


def _check_port(description: str) -> None:
    number = re.match(r"(?:tcp6?|ssl):(?:port=)?(\d+)", description)
    if number and int(number[1]) > 65535:
        raise ValueError(f"a port is a number from 0 to 65535, not {number[1]}")


def _reason(failure: Failure) -> str:
    error = failure.value
    cause = error.socketError if isinstance(error, CannotListenError) else error
    reason = str(getattr(cause, "strerror", None) or cause)
    if getattr(cause, "errno", None) == EADDRINUSE:
        reason += ": end the program that has it (another twistedcam?), or choose another port"
    return reason
