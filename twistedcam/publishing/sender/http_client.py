"""HTTP requests to a target, whose certificate is checked: FFmpeg's HLS and WHIP check none."""

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

#: Connections that are kept open.
MAX_CONNECTIONS = 6
#: Seconds to connect, and for each part of the answer.
_TIMEOUT = 10.0


class TargetClient:
    """Requests on connections that stay open, for several threads.

    A name and password in the target's address go to its own host only.

    Raises:
        OSError: the file of certificates has none.
    """

    def __init__(self, config: SenderConfig) -> None:
        parts = urlsplit(config["url"])
        #: The address without name and password.
        self.url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        self._credentials: dict[str, str] = {}
        if parts.username:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self._credentials["Authorization"] = f"Basic {b64encode(pair).decode()}"
        self._session = requests.Session()
        self._session.trust_env = False  # neither proxies nor passwords of the environment
        self._session.headers["User-Agent"] = "twistedcam"
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(config["verify"], config["ca"]))

    def request(
        self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """Send a request; return the answer, whatever its status. Redirects are not followed.

        Raises:
            OSError: there is no answer; its text is the reason.
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
            # An idle connection was closed just now.
            return self._session.request(method, url, **options)
        except requests.RequestException as error:
            raise OSError(_reason(error)) from error


class _Adapter(HTTPAdapter):
    """Trusts what the system trusts, or a file: requests has a list of its own."""

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
    """Return the text of the error that caused one of requests'."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    if isinstance(error, ssl.SSLCertVerificationError):
        return UNTRUSTED.format(error.verify_message)
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
