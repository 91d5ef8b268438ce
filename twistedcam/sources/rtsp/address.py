"""Addresses of RTSP cameras: what is sent to them, and what is never sent or shown."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote, urljoin, urlsplit

from twistedcam.errors import CameraFailed
from twistedcam.net.urls import without_secrets
from twistedcam.util.one_line import on_one_line

_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322}
#: Characters that stay as they are in a request; others are percent-encoded.
_KEPT = "%/:@?=&;,+$!*'()~[]#"


@dataclass(frozen=True)
class RtspAddress:
    """The address of a camera.

    Arguments:
        url: as requests have it: without user name and password.
        is_secure: True for ``rtsps``.
        host: name or IP address, without brackets.
        port: TCP port.
        user, password: decoded; None if the address has none.
    """

    url: str
    is_secure: bool
    host: str
    port: int
    user: str | None = None
    password: str | None = None

    @classmethod
    def parse(cls, url: str) -> RtspAddress:
        """Parse ``rtsp://USER:PASSWORD@HOST:PORT/PATH?QUERY``.

        Raises:
            ValueError: it is not valid.
        """
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
        if scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError("it is not an address of RTSP")
        netloc = parts.netloc.rpartition("@")[2]
        shown = parts._replace(scheme=scheme, netloc=netloc, fragment="").geturl()
        password = None if parts.password is None else unquote(parts.password)
        return cls(
            quote(shown, safe=_KEPT),
            scheme == "rtsps",
            parts.hostname,
            parts.port or _DEFAULT_PORTS[scheme],
            None if parts.username is None else unquote(parts.username),
            password,
        )

    @property
    def name(self) -> str:
        """Host and port for messages."""
        return urlsplit(self.url).netloc

    def redirected(self, location: str) -> RtspAddress:
        """Return the address that a camera redirects to, with the same user and password.

        A redirect is followed on the same host and port, or from rtsp to rtsps on the same host. A
        camera could otherwise use this server to scan the local network.

        Raises:
            CameraFailed: it is another host or port, or no address.
        """
        try:
            new = RtspAddress.parse(self._resolved(location.strip()))
        except ValueError:
            raise CameraFailed(f"{self.name} redirects to an invalid address") from None
        same = (new.is_secure, new.port) == (self.is_secure, self.port)
        if new.host != self.host or not (same or (new.is_secure and not self.is_secure)):
            shown = on_one_line(without_secrets(new.url))[:200]
            raise CameraFailed(
                f"{self.name} refers to another server, {shown}: if that is right, make it the "
                "camera's address"
            )
        return RtspAddress(new.url, new.is_secure, new.host, new.port, self.user, self.password)

    def _resolved(self, location: str) -> str:
        """Return the address that a redirect means, which some cameras send without the host."""
        if not location or urlsplit(location).scheme:
            return location
        # ``urljoin`` knows few schemes.
        scheme, rest = self.url.split(":", 1)
        return f"{scheme}:{urljoin(f'http:{rest}', location).partition(':')[2]}"
