"""Sends messages to push services. Import it at its first use: its libraries are large.

An endpoint comes from a browser, so it could name any machine. Only ``https`` is spoken, no
redirect is followed, no proxy is used, and the connection is made to an address that was checked:
a name cannot mean a private address only when the connection is made (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import certifi
import pywebpush
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02, VapidException
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.poolmanager import PoolManager

from twistedcam.errors import BadArgument, PushFailed
from twistedcam.notifications.devices import PushDevice

#: Seconds to connect, and seconds without an answer.
TIMEOUT = 10.0
#: IPv6 addresses that a translator turns into IPv4 addresses (RFC 6052, 8215).
_TRANSLATED = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48")))
_PORT = 443


def check_endpoint(endpoint: str, allows_private: bool = False) -> None:
    """Check that an endpoint may be used. Blocks while its name is resolved.

    Arguments:
        allows_private: True to allow private addresses and any port, for a push service of one's
            own.

    Raises:
        BadArgument: it is no https address, or one of a private network.
    """
    try:
        parts = urlsplit(endpoint)
        port = parts.port or _PORT
    except ValueError:
        raise BadArgument("the endpoint is not a valid URL") from None
    if parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise BadArgument("the endpoint of a push service must be an https:// address")
    if allows_private:
        return
    if port != _PORT:
        raise BadArgument(f"the endpoint of a push service must have port {_PORT}")
    try:
        _resolve(parts.hostname, port, allows_private)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadArgument(f"the push service {parts.hostname} cannot be used: {reason}") from None


def _resolve(host: str, port: int, allows_private: bool) -> list[Any]:
    """Return the addresses of a host, in the form of getaddrinfo.

    Raises:
        OSError: there are none, or one of them is private.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for _, _, _, _, address in found:
        if not allows_private and not is_public(str(address[0])):
            raise PermissionError(13, "it is in a private network")
    return found


def is_public(text: str) -> bool:
    """True if an IP address is reachable over the Internet, and is not another one in disguise."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(str(address.ipv4_mapped))
        if address.sixtofour or address.teredo or any(address in each for each in _TRANSLATED):
            return False
    return address.is_global and not address.is_multicast


class _CheckedConnection(HTTPSConnection):
    """Connects only to addresses that were checked."""

    allows_private = False

    def _new_conn(self) -> socket.socket:
        failed: OSError | None = None
        timeout = self.timeout if isinstance(self.timeout, int | float) else TIMEOUT
        try:
            for *_, address in _resolve(self.host, self.port or _PORT, self.allows_private):
                try:
                    return socket.create_connection(address[:2], timeout)
                except OSError as error:
                    failed = error
        except OSError as error:
            failed = error
        raise NewConnectionError(self, str(failed))


class _PrivateConnection(_CheckedConnection):
    allows_private = True


class _CheckedPool(HTTPSConnectionPool):
    ConnectionCls = _CheckedConnection


class _PrivatePool(HTTPSConnectionPool):
    ConnectionCls = _PrivateConnection


class _Adapter(HTTPAdapter):
    """Uses the checked connections, and trusts the system's authorities and those of certifi."""

    def __init__(self, allows_private: bool) -> None:
        self._allows_private = allows_private
        super().__init__(max_retries=0)

    def init_poolmanager(self, *words: Any, **more: Any) -> None:
        context = ssl.create_default_context()
        context.load_verify_locations(certifi.where())
        manager = PoolManager(ssl_context=context, num_pools=4, maxsize=1)
        pool = _PrivatePool if self._allows_private else _CheckedPool
        manager.pool_classes_by_scheme = {"https": pool}
        self.poolmanager = manager

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the choice of authorities to the context."""


class _Session(requests.Session):
    """Speaks only https, directly, and follows no redirect."""

    def __init__(self, allows_private: bool) -> None:
        super().__init__()
        self.trust_env = False
        self.adapters.clear()
        self.mount("https://", _Adapter(allows_private))

    def request(self, method: Any, url: Any, *words: Any, **more: Any) -> requests.Response:
        """Send a request, and read no more of the answer than its head."""
        more |= {"allow_redirects": False, "stream": True}
        response = super().request(method, url, *words, **more)
        response.close()
        response._content = b""  # pywebpush puts it into its errors
        return response


class PushClient:
    """Sends encrypted messages to push services.

    Arguments:
        key: the key by which they recognize this server.
        contact: the address of who runs it, which they may write to: ``mailto:…`` or ``https:…``.
        allows_private: as of ``check_endpoint``.
    """

    def __init__(
        self, key: ec.EllipticCurvePrivateKey, contact: str, allows_private: bool = False
    ) -> None:
        self._key = key
        self._contact = contact
        self._allows_private = allows_private

    def send(self, device: PushDevice, data: bytes, ttl: int, headers: Mapping[str, str]) -> None:
        """Send a message to a device. Blocks.

        Arguments:
            data: at most 3,000 bytes.
            ttl: seconds for which the push service keeps it while the device is off.
            headers: ``Urgency`` and ``Topic`` (RFC 8030).

        Raises:
            PushFailed: it was not accepted.
        """
        info = {
            "endpoint": device.endpoint,
            "keys": {"p256dh": device.p256dh, "auth": device.auth},
        }
        session = _Session(self._allows_private)
        try:
            check_endpoint(device.endpoint, self._allows_private)
            pywebpush.webpush(
                info,
                data,
                Vapid02(private_key=self._key),
                {"sub": self._contact},
                ttl=ttl,
                timeout=TIMEOUT,
                headers=dict(headers),
                requests_session=session,
            )
        except pywebpush.WebPushException as error:
            answer = error.response
            if answer is None:
                raise PushFailed(f"{device.host}: {error.message}") from None
            wait = str(answer.headers.get("Retry-After", ""))
            raise PushFailed(
                f"{device.host} answered HTTP {answer.status_code}",
                answer.status_code,
                int(wait) if wait.isascii() and wait.isdigit() else None,
            ) from None
        except requests.RequestException as error:  # its text has the endpoint
            raise PushFailed(f"{device.host} cannot be reached ({type(error).__name__})") from None
        except (BadArgument, VapidException, ValueError) as error:
            raise PushFailed(str(error)) from None
        finally:
            session.close()
