"""The address of the control port that the tray uses."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from twistedcam.clients.control.blocking import BlockingClient
from twistedcam.clients.control.dialogue import DEFAULT_ENDPOINT
from twistedcam.errors import BadArgument
from twistedcam.tls.client import Trust
from twistedcam.tls.known_servers import KnownServers

PORT = 9531


@dataclass(frozen=True)
class Address:
    """A control port.

    Arguments:
        endpoint: ``tcp:HOST:PORT``, ``tls:HOST:PORT`` or ``unix:PATH``.
        token: for ``auth``.
        fingerprint: of the only accepted certificate: SHA-256 in hexadecimal.
        ca: a file of certificates to trust instead of the system's.
        known_servers: certificates of earlier connections. A first one is accepted and kept.
    """

    endpoint: str = DEFAULT_ENDPOINT
    token: str | None = None
    fingerprint: str | None = None
    ca: str | None = None
    known_servers: KnownServers | None = None

    @property
    def kind(self) -> str:
        """``tcp``, ``tls`` or ``unix``."""
        return self.endpoint.partition(":")[0]

    @property
    def host(self) -> str:
        """The host name or address; this machine for a socket file."""
        if self.kind == "unix":
            return "127.0.0.1"
        return self.endpoint.partition(":")[2].rpartition(":")[0].replace("\\:", ":").strip("[]")

    @property
    def here(self) -> bool:
        """True if it is on this machine."""
        return is_loopback(self.host)

    @property
    def listening(self) -> str | None:
        """Return the endpoint for a server at this address, or None for TLS, which needs keys."""
        if self.kind == "tls" or not self.here:
            return None
        if self.kind == "unix":
            return self.endpoint
        port = self.endpoint.rpartition(":")[2]
        host = "127.0.0.1" if self.host == "localhost" else self.host
        escaped = host.replace(":", "\\:")
        return f"{'tcp6' if ':' in host else 'tcp'}:{port}:interface={escaped}"

    def connect(self) -> BlockingClient:
        """Return a connection for commands.

        Raises:
            NoServer, CertificateRefused, CommandError: there is no server, it has another
                certificate, or it refuses the token.
        """
        return BlockingClient(
            self.endpoint,
            token=self.token,
            trust=Trust(self.fingerprint, self.ca, self.known_servers),
        )


def read_endpoint(text: str) -> str:
    """Parse an endpoint, ``HOST``, ``HOST:PORT`` or ``[::1]:PORT``.

    Raises:
        BadArgument: the text is none of these.
    """
    kind, _, rest = text.partition(":")
    if kind == "unix" and rest:
        return text
    if kind not in ("tcp", "tls"):
        kind, rest = "tcp", text
    host, colon, port = rest.rpartition(":")
    if not colon or rest.endswith("]"):
        host, port = rest, str(PORT)
    host = host.replace("\\:", ":").strip("[]")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise BadArgument(
            f"{text!r} is not a control port: write HOST:PORT, tls:HOST:PORT, or unix:PATH"
        )
    escaped = host.replace(":", "\\:")
    return f"{kind}:{escaped}:{port}"


def is_loopback(host: str) -> bool:
    """True if a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
