"""Requests to a camera: log-in, redirects on its own host, and errors in words."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urljoin, urlsplit

import requests
import urllib3

from twistedcam.errors import CameraFailed, LoginRefused
from twistedcam.net.urls import without_secrets
from twistedcam.sources.base import LOGIN_REFUSED, LOGIN_WANTED
from twistedcam.sources.http_connection import CameraAdapter, make_session
from twistedcam.sources.http_login import Login
from twistedcam.util.one_line import on_one_line

#: Seconds after which a silent camera is given up.
TIMEOUT = 5.0
_CHUNK = 64 * 1024
#: Redirects and challenges that are followed for one picture.
_MOST_STEPS = 8
_REDIRECTS = (301, 302, 303, 307, 308)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_CUT = (http.client.IncompleteRead, urllib3.exceptions.IncompleteRead)
_ERRORS = (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError, ValueError)


class Answer:
    """A camera's answer, whose body is read as it comes; a context manager."""

    def __init__(self, response: requests.Response, client: CameraClient) -> None:
        self.url = response.url or ""
        self.headers = response.headers
        self.status = response.status_code
        self.kind = response.headers.get("Content-Type", "").strip()
        self._response = response
        self._client = client

    @property
    def length(self) -> int | None:
        """The length that the body has, where that is said."""
        said = self.headers.get("Content-Length", "")
        return int(said) if said.isascii() and said.isdigit() else None

    def read(self, size: int = _CHUNK) -> bytes:
        """What has come, up to so many bytes; waits for something. Nothing at the end.

        An end before the length that was said is an end, too: some lengths are wrong.

        Raises:
            CameraFailed: nothing came for too long, or the connection is broken.
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
        """What comes, until the end."""
        while data := self.read():
            yield data

    def finish(self) -> None:
        """Keep the connection for the next request, if the body was read to its end."""
        self._response.raw.release_conn()

    def close(self) -> None:
        """End the connection."""
        self._response.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class CameraClient:
    """Asks one camera, over and over on one connection if the camera keeps it.

    A redirect is followed on the same host and port, or from http to https on the same host. A
    camera cannot make this server ask anybody else: it would be a scanner of the network inside.

    Arguments:
        url: the camera's address, with user and password if it needs them.
        verify: whether an https certificate has to be good.
        timeout: seconds after which a silent camera is given up.
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

    def ask(self, url: str | None = None, headers: dict[str, str] | None = None) -> Answer:
        """Send a request.

        Arguments:
            url: another address on the same host; the camera's own by default.
            headers: further headers.

        Raises:
            CameraFailed: there is no answer, or none that can be used.
            LoginRefused: user name or password are wrong or missing.
        """
        at = self.url if url is None else self._allowed(self.url, url)
        for _ in range(_MOST_STEPS):
            response = self._send(at, headers or {})
            if response.status_code == 401:
                challenges = response.raw.headers.getlist("WWW-Authenticate")
                response.close()
                if not self._login.challenged(challenges):
                    said = LOGIN_REFUSED if self._login.has_password else LOGIN_WANTED
                    raise LoginRefused(f"{said} (401)")
                continue
            if response.status_code in _REDIRECTS and "Location" in response.headers:
                response.close()
                at = self._allowed(at, response.headers["Location"])
                continue
            self._check(response)
            return Answer(response, self)
        raise CameraFailed(f"{self.host} redirects, or asks for a log-in, without end")

    def set_timeout(self, seconds: float) -> None:
        """Wait at most so long for more of the answer under way."""
        self._adapter.set_timeout(seconds)

    def interrupt(self) -> None:
        """Wake who waits for the camera. May be called on any thread."""
        self._is_interrupted = True
        self._adapter.shut_down()

    def check_interrupted(self) -> None:
        """Raise CameraFailed if it was interrupted."""
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
                answer = self._login.header("GET", asked.path_url)
                if answer is not None:
                    asked.headers["Authorization"] = answer
                return self._session.send(
                    asked, stream=True, timeout=self.timeout, allow_redirects=False
                )
            except _ERRORS as error:
                # A camera may have closed a connection that it has kept so far: that is no failure.
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
        """Where a redirect or a playlist leads, if it may."""
        try:
            target = urljoin(base, location.strip())
            old, new = urlsplit(self.url), urlsplit(target)
            ports = [each.port or _DEFAULT_PORTS.get(each.scheme) for each in (old, new)]
        except ValueError:
            raise CameraFailed(f"{self.host} redirects to an address that is none") from None
        same_host = new.hostname == old.hostname
        same_port = (new.scheme, ports[1]) == (old.scheme, ports[0])
        if same_host and (same_port or (old.scheme, new.scheme) == ("http", "https")):
            return target
        shown = on_one_line(without_secrets(target))[:200]
        raise CameraFailed(
            f"{self.host} leads to another server, {shown}: if that is right, write it as the "
            "camera's address"
        )


def is_timeout(error: BaseException) -> bool:
    """Whether a camera has said nothing for too long."""
    for each in _chain(error):
        # For urllib3 a connection that was refused is a kind of timeout, too.
        if isinstance(each, urllib3.exceptions.NewConnectionError):
            continue
        if isinstance(each, (TimeoutError, urllib3.exceptions.TimeoutError, requests.Timeout)):
            return True
    return False


def reason_of(error: BaseException, timeout: float = TIMEOUT) -> str:
    """What went wrong, without the address, which may have a password in it."""
    if is_timeout(error):
        return f"nothing came for {timeout:g} s"
    causes = list(_chain(error))
    for each in causes:
        if isinstance(each, ssl.SSLCertVerificationError):
            return (
                f"its certificate is not trusted ({each.verify_message}): add #verify=0 to the "
                "address if it is the right camera all the same"
            )
    for each in causes:
        if isinstance(each, http.client.HTTPException):
            return on_one_line(str(each))[:200] or type(each).__name__
        strerror = getattr(each, "strerror", None)
        if isinstance(each, OSError) and strerror:
            return str(strerror)
    return type(causes[-1]).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, and all that it stems from: urllib3 and requests wrap them in many ways."""
    seen: list[BaseException] = []
    due: list[Any] = [error]
    while due and len(seen) < 20:
        each = due.pop(0)
        if isinstance(each, BaseException) and each not in seen:
            seen.append(each)
            yield each
            due += [getattr(each, "reason", None), *each.args, each.__cause__, each.__context__]
