"""Ports that the server listens on, and checks of who can reach them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
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
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.errors import BadArgument, StartupError
from twistedcam.net.addresses import IPAddress, show_address
from twistedcam.runtime.scheduler import Scheduler
from twistedcam.tls.server_endpoint import LoadedCertificate, ServerCertificate, server_endpoint

log = Logger()

#: The most connections that wait to be accepted; Twisted's default is 50.
BACKLOG = 1024
#: The most connections that a port accepts in one turn of the reactor.
MAX_ACCEPTED = 8


class Listener(Service):
    """Listens on an endpoint while the service runs.

    Arguments:
        description: a Twisted server endpoint string.
        factory: makes the protocols.
        example: an endpoint for the error message.
        scheduler: runs the work of TLS; by default the port has its own.
        is_optional: True to go on without the port if another program has it.

    Raises:
        BadArgument: the description is not valid.
    """

    def __init__(
        self,
        reactor: Any,
        description: str,
        factory: IProtocolFactory,
        example: str = "tcp:9530:interface=127.0.0.1",
        scheduler: Scheduler | None = None,
        is_optional: bool = False,
    ) -> None:
        #: True if it does not listen, because another program has the port.
        self.is_missing = False
        self._is_optional = is_optional
        self.description = description
        self._factory = factory
        self._listening: Deferred[IListeningPort] | None = None
        self.port: IListeningPort | None = None
        self._endpoint: IStreamServerEndpoint | None = None
        #: Its certificate, for TLS.
        self.certificate: ServerCertificate | None = None
        try:
            _check_port(description)
            self._endpoint, self.certificate = server_endpoint(
                reactor, _with_backlog(description), scheduler
            )
        except Exception as error:  # each endpoint parser raises other errors
            if isinstance(error, LookupError) and description.startswith("systemd:"):
                return  # 'serve --check' has no sockets of systemd
            raise BadArgument(
                f"{description!r} is not a valid endpoint ({error}): write {example}, "
                f"or {example.split(':')[1]} for short"
            ) from None

    @property
    def address(self) -> str:
        """The address that it listens on, such as ``127.0.0.1:8080``."""
        return show_address(self.port.getHost()) if self.port is not None else self.description

    @property
    def is_reachable(self) -> bool:
        """True if it listens and other machines can reach its real address."""
        host = self._host
        return host is not None and not host.is_loopback

    @property
    def is_on_loopback(self) -> bool:
        """True if it listens and its real address is one of the loopback interface."""
        host = self._host
        mapped = getattr(host, "ipv4_mapped", None)  # ::ffff:127.0.0.1
        return host is not None and bool((mapped or host).is_loopback)

    @property
    def bound_to(self) -> tuple[IPAddress, int] | None:
        """Its real address and port; None for a socket file, and while it does not listen."""
        host, port = self._host, self.port
        if host is None or port is None:
            return None
        number: int = getattr(port.getHost(), "port", 0)
        return host, number

    @property
    def _host(self) -> IPAddress | None:
        """The address it is bound to; None for a socket file, and while it does not listen."""
        host = getattr(self.port.getHost(), "host", None) if self.port is not None else None
        return None if host is None else ipaddress.ip_address(host.partition("%")[0])

    @property
    def is_tls(self) -> bool:
        """True if it uses TLS."""
        return self.description.startswith("ssl:")

    def read_certificate(self) -> LoadedCertificate | None:
        """Read the certificate's files again, without using them yet.

        Raises:
            BadArgument: they are not valid.
        """
        if self.certificate is None:
            return None
        try:
            return self.certificate.read()
        except Exception as error:  # of many classes
            reason = str(error) or type(error).__name__
            raise BadArgument(
                f"the certificate of {self.address} was not replaced: {reason}"
            ) from None

    def privilegedStartService(self) -> None:
        """Listen, while the process may still use a port below 1024.

        Raises:
            StartupError: the port is not available.
        """
        if self._endpoint is None:
            raise StartupError(
                f"cannot listen on {self.description}: systemd has not passed this socket: start "
                "the socket's unit (systemctl enable --now twistedcam.socket), or write "
                "tcp:9530:interface=127.0.0.1"
            )
        failures: list[Failure] = []
        self._listening = self._endpoint.listen(self._factory)
        self._listening.addCallbacks(self._on_listening, failures.append)
        if not failures:
            return
        text = f"cannot listen on {self.description}: {_reason(failures[0])}"
        if not self._is_optional or not _is_in_use(failures[0]):
            raise StartupError(text)
        self.is_missing = True
        log.warn("{text}; the server goes on without this port", text=text)

    def startService(self) -> None:
        """Listen, unless it does already."""
        super().startService()
        if self._listening is None:
            self.privilegedStartService()

    async def _stop(self) -> None:
        port, self.port, self._listening = self.port, None, None
        if port is not None:
            await maybeDeferred(port.stopListening)

    def stopService(self) -> Deferred[None]:
        """Accept no more connections."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    def _on_listening(self, port: IListeningPort) -> None:
        self.port = port
        if isinstance(port, tcp.Port):
            _accept_few(port)


def check_endpoint(endpoint: str) -> None:
    """Check that only this machine can reach an endpoint.

    Raises:
        BadArgument: other machines can reach it.
    """
    if not is_local_endpoint(endpoint):
        raise BadArgument(
            f"other machines can reach {endpoint}, and there are no tokens: create one "
            "(twistedcam token add NAME --right view) and add --tokens FILE; or add "
            "interface=127.0.0.1; or add --insecure to allow everybody everything"
        )


def check_ports(listeners: Iterable[Listener]) -> None:
    """Check the addresses of open ports: the string of an inherited socket does not contain it.

    Raises:
        StartupError: other machines can reach one.
    """
    for listener in listeners:
        if listener.is_reachable:
            raise StartupError(
                f"{listener.description} is {listener.address}, which other machines can "
                "reach, and there are no tokens: see 'twistedcam token --help'"
            )


def urls_of(listeners: Mapping[str, Iterable[Listener]]) -> dict[str, str]:
    """Return the URLs of the frame port (``view``), the page (``page``) and RTSP (``rtsp``).

    Socket files have none.
    """
    urls: dict[str, str] = {}
    for key, purpose, scheme in (
        ("view", "frames", "twistedcam"),
        ("page", "http", "http"),
        ("rtsp", "rtsp", "rtsp"),
    ):
        for listener in listeners.get(purpose, ()):
            is_url = listener.description.startswith(("tcp", "ssl")) and not listener.is_missing
            if is_url and key not in urls:
                urls[key] = f"{scheme}{'s' * listener.is_tls}://{listener.address}"
    return urls


def _accept_few(port: tcp.Port) -> None:
    """Make a port accept at most ``MAX_ACCEPTED`` connections in one turn of the reactor.

    Twisted accepts more and more in each turn while many are waiting, which blocks the reactor, and
    has no option for it. A subclass of ``tcp.Port`` would serve TCP endpoints only: the reactor
    creates the ports of UNIX sockets and of sockets from systemd.
    """
    accept = port.doRead

    def accept_few() -> None:
        port.numberAccepts = MAX_ACCEPTED
        accept()

    port.doRead = accept_few  # type: ignore[method-assign]


def _with_backlog(description: str) -> str:
    """Set the backlog, because a client that finds it full retries only after a second."""
    kind = description.partition(":")[0]
    if kind in ("tcp", "tcp6", "ssl", "unix") and ":backlog=" not in description:
        return f"{description}:backlog={BACKLOG}"
    return description


def is_local_endpoint(description: str) -> bool:
    """Return True if only this machine can reach an endpoint."""
    kind = description.partition(":")[0]
    return kind in ("unix", "systemd", "fd") or _is_loopback(description)


def _is_loopback(description: str) -> bool:
    """Return True if an endpoint is on the loopback interface."""
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


def _cause(failure: Failure) -> BaseException:
    error = failure.value
    return error.socketError if isinstance(error, CannotListenError) else error  # type: ignore


def _is_in_use(failure: Failure) -> bool:
    return getattr(_cause(failure), "errno", None) == EADDRINUSE


def _reason(failure: Failure) -> str:
    cause = _cause(failure)
    reason = str(getattr(cause, "strerror", None) or cause)
    if _is_in_use(failure):
        reason += ": stop the program that uses it (another twistedcam?), or choose another port"
    return reason
