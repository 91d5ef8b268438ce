"""Connections to cameras that speak HTTP in their own way, by requests and urllib3."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
from collections.abc import Callable
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

_LONGEST_LINE = 8192
_STATUS = re.compile(rb"(HTTP/[0-9.]+|ICY|RTSP/[0-9.]+)[ \t]+([1-5][0-9]{2})(?:[ \t]+([^\r\n]*))?")
_HEX = b"0123456789abcdefABCDEF \t"


class CameraResponse(http.client.HTTPResponse):
    """An answer of a camera, whose head may be odd.

    - There may be no head at all (as in HTTP/0.9), or a status line of ``ICY``.
    - A multipart answer has no length, and is not in chunks unless it really is.
    - A picture on a connection that is closed behind it may be longer than its length.
    """

    def begin(self) -> None:
        """Read the head."""
        while self.fp.peek(1)[:1] in (b"\r", b"\n"):
            self.fp.read(1)
        if self.fp.peek(1)[:1] in (b"-", b"\xff"):
            self._begin_without_head()
            return
        super().begin()
        kind = self.headers.get("Content-Type", "").strip().lower()
        is_stream = kind.startswith("multipart/")
        if self.chunked and self.fp.peek(1)[:1] not in _HEX:
            self.chunked, self.chunk_left = False, None
            del self.headers["Transfer-Encoding"]
            self._forget_length()
        elif is_stream or (kind.startswith("image/") and self.will_close and self.length):
            self._forget_length()

    def _begin_without_head(self) -> None:
        self.headers = self.msg = http.client.HTTPMessage()
        self.code = self.status = 200
        self.reason, self.version = "", 9
        self.chunked, self.chunk_left = False, None
        self._forget_length()

    def _forget_length(self) -> None:
        if not self.chunked:
            del self.headers["Content-Length"]
            self.length = None
            self.will_close = True

    def _read_status(self) -> tuple[str, int, str]:
        line = self.fp.readline(_LONGEST_LINE)
        if not line:
            raise http.client.RemoteDisconnected("it closed the connection without an answer")
        found = _STATUS.match(line)
        if found is None:
            raise http.client.BadStatusLine("no status line of HTTP")
        version = "HTTP/1.1" if found[1] == b"HTTP/1.1" else "HTTP/1.0"
        return version, int(found[2]), (found[3] or b"").decode("latin-1").strip()


class CameraAdapter(HTTPAdapter):
    """Makes connections that can be shut down while somebody waits for them.

    Arguments:
        verify: whether a certificate has to be good. If not, old TLS and old ciphers will do, too.
    """

    def __init__(self, verify: bool) -> None:
        self._verify = verify
        #: Connections that were made.
        self.connected = 0
        self._socket: socket.socket | None = None
        super().__init__(pool_connections=2, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **named: Any) -> None:
        """Make the pools, of connections of ours."""
        super().init_poolmanager(*args, ssl_context=_context(self._verify), **named)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _pool(HTTPConnectionPool, HTTPConnection, self._note),
            "https": _pool(HTTPSConnectionPool, HTTPSConnection, self._note),
        }

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Trust what the system trusts: requests would bring a list of its own."""
        conn.cert_reqs = "CERT_REQUIRED" if self._verify else "CERT_NONE"

    def set_timeout(self, seconds: float) -> None:
        """Wait at most so long for more of the answer under way."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.settimeout(seconds)

    def shut_down(self) -> None:
        """Wake who waits for the newest connection. May be called on any thread."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _note(self, connection: Any) -> None:
        connection.response_class = CameraResponse
        connection.is_verified = True  # or it was asked not to be: nobody has to be warned
        self._socket = connection.sock
        self.connected += 1


class _Session(requests.Session):
    def get_redirect_target(self, resp: Any) -> None:
        """None: requests would read the body of a redirect to its end, and it may have none."""


def make_session(adapter: HTTPAdapter) -> requests.Session:
    """A session that asks directly, whatever proxies and passwords the environment has."""
    session = _Session()
    session.trust_env = False
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.headers["User-Agent"] = "twistedcam"
    session.headers["Accept-Encoding"] = "identity"
    return session


def _pool(pool: type[Any], connection: type[Any], note: Callable[[Any], None]) -> type[Any]:
    """A kind of pool whose connections are told of when they are made."""

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
