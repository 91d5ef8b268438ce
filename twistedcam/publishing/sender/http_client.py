"""HTTP requests to a target, with certificates checked, unlike FFmpeg's HLS and WHIP."""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from twistedcam.publishing.sender.protocol import UNTRUSTED, SenderConfig

#: The most open connections.
MAX_CONNECTIONS = 6
#: Timeout to connect, and for each part of an answer, in seconds.
_TIMEOUT = 10.0


class TargetClient:
    """Sends requests on persistent connections, for several threads.

    The name and password of the target's address are sent to its own host only.

    Raises:
        OSError: the file of certificates cannot be read.
    """

    def __init__(self, config: SenderConfig) -> None:
        parts = urlsplit(config["url"])
        #: The target's address without name and password.
        self.url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        self._credentials: dict[str, str] = {}
        if parts.username:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self._credentials["Authorization"] = f"Basic {b64encode(pair).decode()}"
        self._session = requests.Session()
        self._session.trust_env = False  # use no proxies and no passwords of the environment
        self._session.headers["User-Agent"] = "twistedcam"
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(config["verify"], config["ca"]))

    def request(
        self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """Send a request; return the answer of any status. Redirects are not followed.

        Raises:
            OSError: there is no answer; the text is the reason.
        """
        is_ours = urljoin(url, "/") == urljoin(self.url, "/")
        all_headers = {**(self._credentials if is_ours else {}), **(headers or {})}
        options: dict[str, Any] = {"data": body, "timeout": _TIMEOUT, "allow_redirects": False}
        options["headers"] = all_headers
        try:
            try:
                return self._session.request(method, url, **options)
            except requests.ConnectionError as error:
                if not isinstance(error.args[0], urllib3.exceptions.ProtocolError):
                    raise
            # The server has closed an idle connection: try again.
            return self._session.request(method, url, **options)
        except requests.RequestException as error:
            raise OSError(_reason(error)) from error


class _Adapter(HTTPAdapter):
    """Trusts the system's certificates or a file, in place of the list of requests."""

    def __init__(self, verify: bool, ca: str) -> None:
        try:
            self._context = ssl.create_default_context(cafile=ca or None)
        except OSError as error:
            raise OSError(f"cannot read certificates from {ca}: {error}") from error
        if not verify:
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        super().__init__(pool_maxsize=MAX_CONNECTIONS)

    def init_poolmanager(self, *args: Any, **named: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **named)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        conn.cert_reqs = self._context.verify_mode


def _reason(error: BaseException) -> str:
    """Return the text of the original error."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    if isinstance(error, ssl.SSLCertVerificationError):
        return UNTRUSTED.format(error.verify_message)
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
