"""An HTTP client for cameras: login, redirects on the same host, unusual responses."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from twistedcam.errors import CameraFailed, LoginRefused
from twistedcam.net.http_login import Login
from twistedcam.net.urls import without_secrets
from twistedcam.sources.base import LOGIN_REFUSED, LOGIN_WANTED, NO_SUCH_NAME
from twistedcam.sources.lenient_response import LenientHTTPResponse, UnmeasuredHTTPResponse
from twistedcam.util.one_line import on_one_line

#: Seconds of silence after which the connection is closed.
TIMEOUT = 5.0
_CHUNK = 64 * 1024
#: The most redirects and challenges for one request.
_MAX_STEPS = 8
_REDIRECTS = (301, 302, 303, 307, 308)
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_CUT = (http.client.IncompleteRead, urllib3.exceptions.IncompleteRead)
_ERRORS = (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError, ValueError)


class CameraResponse:
    """A camera's response, whose body is read as it arrives."""

    def __init__(self, response: requests.Response, client: CameraClient) -> None:
        self.url = response.url or ""
        self.headers = response.headers
        self.status = response.status_code
        self.kind = response.headers.get("Content-Type", "").strip()
        self._response = response
        self._client = client

    @property
    def length(self) -> int | None:
        """The length of the body by its header, or None."""
        value = self.headers.get("Content-Length", "")
        return int(value) if value.isascii() and value.isdigit() else None

    def read(self, size: int = _CHUNK) -> bytes:
        """Wait for data; return up to ``size`` bytes, or nothing at the end.

        An end before the length of the header is no error, since some lengths are wrong.

        Raises:
            CameraFailed: the camera was silent for too long, or the connection is broken.
        """
        try:
            data = bytes(self._response.raw.read1(size, decode_content=True) or b"")
        except _ERRORS as error:
            if not any(isinstance(each, _CUT) for each in _chain(error)):
                raise CameraFailed(
                    f"{self._client.host}: {reason_of(error, self._client.timeout)}"
                ) from None
            data = b""
        if not data:
            self._client.check_interrupted()
        return data

    def chunks(self) -> Iterator[bytes]:
        """Read until the end."""
        while data := self.read():
            yield data

    def finish(self) -> None:
        """Keep the connection for the next request; the body must have been read to its end."""
        self._response.raw.release_conn()

    def close(self) -> None:
        """Close the connection."""
        self._response.close()


class CameraClient:
    """Sends requests to one camera, on one connection if the camera keeps it open.

    A redirect is followed on the same host and port, or from http to https on the same host. A
    camera could otherwise use this server to scan the local network.

    Arguments:
        url: the camera's address, with user and password if needed.
        verify: True if the certificate of an https address must be valid.
        timeout: seconds of silence after which the connection is closed.
    """

    def __init__(self, url: str, verify: bool = True, timeout: float = TIMEOUT) -> None:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        self.url = parts._replace(netloc=host, fragment="").geturl()
        self.host = host
        self.timeout = timeout
        password = None if parts.password is None else unquote(parts.password)
        self._login = Login(None if parts.username is None else unquote(parts.username), password)
        self._adapter = CameraAdapter(verify)
        self._session = make_session(self._adapter)
        self._is_interrupted = False

    def request(
        self, url: str | None = None, headers: dict[str, str] | None = None
    ) -> CameraResponse:
        """Send a request, and return the response once its headers have arrived.

        Arguments:
            url: another address on the same host; the camera's own by default.
            headers: further headers.

        Raises:
            CameraFailed: there is no response, or an error.
            LoginRefused: user name or password are wrong or missing.
        """
        at = self.url if url is None else self._allowed(self.url, url)
        for _ in range(_MAX_STEPS):
            response = self._send(at, headers or {})
            if response.status_code == 401:
                challenges = response.raw.headers.getlist("WWW-Authenticate")
                response.close()
                if not self._login.challenged(challenges):
                    reason = LOGIN_REFUSED if self._login.has_password else LOGIN_WANTED
                    raise LoginRefused(f"{reason} (401)")
                continue
            if response.status_code in _REDIRECTS and "Location" in response.headers:
                response.close()
                at = self._allowed(at, response.headers["Location"])
                continue
            self._check(response)
            return CameraResponse(response, self)
        raise CameraFailed(f"{self.host} redirects or asks for a login endlessly")

    def set_timeout(self, seconds: float) -> None:
        """Set the timeout of the current response."""
        self._adapter.set_timeout(seconds)

    def ignore_lengths(self, ignored: bool) -> None:
        """Set if responses end with their connections, whatever they say; make new connections."""
        self._adapter.ignores_lengths = ignored
        self._session.close()

    def interrupt(self) -> None:
        """Interrupt a request or a read. Called on any thread."""
        self._is_interrupted = True
        self._adapter.shut_down()

    def check_interrupted(self) -> None:
        """Raise CameraFailed if the client was interrupted."""
        if self._is_interrupted:
            raise CameraFailed(f"{self.host}: interrupted")

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def _send(self, url: str, headers: dict[str, str]) -> requests.Response:
        for is_last in (False, True):
            self.check_interrupted()
            connected = self._adapter.connected
            try:
                asked = self._session.prepare_request(requests.Request("GET", url, headers))
                login = self._login.header("GET", asked.path_url)
                if login is not None:
                    asked.headers["Authorization"] = login
                if self._adapter.ignores_lengths:
                    asked.headers["Connection"] = "close"
                return self._session.send(
                    asked, stream=True, timeout=self.timeout, allow_redirects=False
                )
            except _ERRORS as error:
                # The camera may have closed a connection that it kept before, which is no failure.
                was_kept = self._adapter.connected == connected and connected > 0
                if is_last or not was_kept or is_timeout(error):
                    raise CameraFailed(f"{self.host}: {reason_of(error, self.timeout)}") from None
        raise AssertionError("unreachable")

    def _check(self, response: requests.Response) -> None:
        status = response.status_code
        if status == 403 and self._login.has_password:
            response.close()
            raise LoginRefused(f"{LOGIN_REFUSED} (403)")
        if status >= 400 or status < 200:
            reason = on_one_line(response.reason or "")[:80]
            response.close()
            raise CameraFailed(f"{self.host} answers {status} {reason}".rstrip())
        self._login.accepted()

    def _allowed(self, base: str, location: str) -> str:
        """Return the target of a redirect or of a playlist, or raise if it is not allowed."""
        try:
            target = urljoin(base, location.strip())
            old, new = urlsplit(self.url), urlsplit(target)
            ports = [each.port or _DEFAULT_PORTS.get(each.scheme) for each in (old, new)]
        except ValueError:
            raise CameraFailed(f"{self.host} redirects to an invalid address") from None
        same_host = new.hostname == old.hostname
        same_port = (new.scheme, ports[1]) == (old.scheme, ports[0])
        if same_host and (same_port or (old.scheme, new.scheme) == ("http", "https")):
            return target
        shown = on_one_line(without_secrets(target))[:200]
        raise CameraFailed(
            f"{self.host} refers to another server, {shown}: if that is right, make it the "
            "camera's address"
        )


def is_timeout(error: BaseException) -> bool:
    """Return True if the error is a timeout."""
    for each in _chain(error):
        # In urllib3 a refused connection is a kind of timeout.
        if isinstance(each, urllib3.exceptions.NewConnectionError):
            continue
        if isinstance(each, (TimeoutError, urllib3.exceptions.TimeoutError, requests.Timeout)):
            return True
    return False


def reason_of(error: BaseException, timeout: float = TIMEOUT) -> str:
    """Describe an error without the address, which may contain a password."""
    if is_timeout(error):
        return f"nothing came for {timeout:g} s"
    causes = list(_chain(error))
    for each in causes:
        if isinstance(each, ssl.SSLCertVerificationError):
            return (
                f"its certificate is not trusted ({each.verify_message}): add #verify=0 to the "
                "address if it is the right camera"
            )
        if isinstance(each, ssl.SSLError) and each.reason in _NO_TLS:
            return "it does not use TLS here: write http:// in place of https://, or another port"
        if isinstance(each, socket.gaierror):
            return NO_SUCH_NAME
    for each in causes:
        if isinstance(each, http.client.HTTPException):
            return on_one_line(str(each))[:200] or type(each).__name__
        strerror = getattr(each, "strerror", None)
        if isinstance(each, OSError) and strerror:
            return str(strerror)
    return type(causes[-1]).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, which urllib3 and requests wrap in several ways."""
    seen: list[BaseException] = []
    due: list[Any] = [error]
    while due and len(seen) < 20:
        each = due.pop(0)
        if isinstance(each, BaseException) and each not in seen:
            seen.append(each)
            yield each
            due += [getattr(each, "reason", None), *each.args, each.__cause__, each.__context__]


class CameraAdapter(HTTPAdapter):
    """Makes connections that another thread can shut down.

    Arguments:
        verify: True if a certificate must be valid; if not, old TLS versions and ciphers are used.
    """

    def __init__(self, verify: bool) -> None:
        self._verify = verify
        #: The number of connections that were made.
        self.connected = 0
        #: True if the lengths of responses on new connections are wrong.
        self.ignores_lengths = False
        self._socket: socket.socket | None = None
        super().__init__(pool_connections=2, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **named: Any) -> None:
        """Make pools whose connections are noted."""
        super().init_poolmanager(*args, ssl_context=_context(self._verify), **named)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _pool(HTTPConnectionPool, HTTPConnection, self._note),
            "https": _pool(HTTPSConnectionPool, HTTPSConnection, self._note),
        }

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Use the certificates of the system instead of those of requests."""
        conn.cert_reqs = "CERT_REQUIRED" if self._verify else "CERT_NONE"

    def set_timeout(self, seconds: float) -> None:
        """Set the timeout of the current response."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.settimeout(seconds)

    def shut_down(self) -> None:
        """Shut the newest connection down. Called on any thread."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _note(self, connection: Any) -> None:
        connection.response_class = (
            UnmeasuredHTTPResponse if self.ignores_lengths else LenientHTTPResponse
        )
        connection.is_verified = True  # avoids a warning with verify=0
        self._socket = connection.sock
        self.connected += 1


class _Session(requests.Session):
    def get_redirect_target(self, resp: Any) -> None:
        """Return None: requests would read the body of a redirect, which may be endless."""


def make_session(adapter: HTTPAdapter) -> requests.Session:
    """Return a session that ignores proxies and passwords of the environment."""
    session = _Session()
    session.trust_env = False
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.headers["User-Agent"] = "twistedcam"
    session.headers["Accept-Encoding"] = "identity"
    return session


def _pool(pool: type[Any], connection: type[Any], note: Callable[[Any], None]) -> type[Any]:
    """Return a pool class that calls ``note`` with each new connection."""

    class Connection(connection):  # type: ignore[misc]
        def connect(self) -> None:
            super().connect()
            note(self)

    class Pool(pool):  # type: ignore[misc]
        ConnectionCls = Connection

    return Pool


def _context(verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.options |= getattr(ssl, "OP_LEGACY_SERVER_CONNECT", 0x4)
    return context
