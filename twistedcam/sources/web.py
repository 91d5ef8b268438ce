"""A camera on the web: MJPEG streams and snapshots, whose JPEGs are passed through."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

from twistedcam.errors import CameraFailed
from twistedcam.sources.base import Grab, Granted, Paused, Source
from twistedcam.sources.multipart import MAX_BODY, MultipartDecoder, Part, boundary_of
from twistedcam.sources.pace import Ticker
from twistedcam.sources.spec import Settings, SourceSpec

#: Seconds after which a silent peer is given up.
TIMEOUT = 5.0
SNAPSHOT_FPS = 2.0
#: A peer's time of capture is believed if it is at most so many seconds from now.
_PLAUSIBLE = 10.0
#: What a twistedcam marks its placeholders with: pictures that say why there is none (http.stream).
_STATE = "x-twistedcam-state"
_CHUNK = 64 * 1024


class WebSource:
    """Asks once, and does what the answer's type asks for.

    ``multipart/x-mixed-replace`` is a stream; a picture is asked for again and again; anything
    else is left to FFmpeg.

    Arguments:
        url: where, with user and password if it needs them.
        fps: how often to ask for a picture, where it is one and no stream.
        verify: whether an https certificate has to be good.
    """

    def __init__(self, url: str, fps: float = SNAPSHOT_FPS, verify: bool = True) -> None:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        self.url = parts._replace(netloc=host, fragment="").geturl()
        self.host = host
        self.fps = fps
        self._whole_url = url
        self._opener = _make_opener(self.url, parts.username, parts.password, verify)
        self._answer: http.client.HTTPResponse | None = None
        self._parts: Iterator[Part] | None = None
        self._ticker: Ticker | None = None
        self._film: Source | None = None
        self._first: Grab | None = None

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> WebSource:
        """``http://HOST/stream#fps=1``."""
        spec.require_host()
        fps = settings.number("fps", 0.01, 60) or SNAPSHOT_FPS
        return cls(f"{spec.scheme}:{spec.target}", fps, settings.flag("verify", True))

    def open(self) -> Granted:
        """Ask, and see what comes."""
        answer = self._answer = self._ask()
        kind = answer.headers.get("Content-Type", "")
        boundary = boundary_of(kind)
        if boundary is not None:
            self._parts = self._read_parts(MultipartDecoder(boundary or "\n--"))
            return Granted(format="MJPG", detail=self.host, steady=False)
        if kind.lower().startswith("image/"):
            self._first = self._picture(answer)
            self._ticker = Ticker(self.fps)
            return Granted(fps=self.fps, format="snapshots", detail=self.host, steady=False)
        from twistedcam.sources.stream import StreamSource

        self.close()
        self._film = StreamSource(self._whole_url)
        return self._film.open()

    def read(self) -> Grab | None:
        """The next picture; CameraFailed after five seconds of silence, Paused at a placeholder."""
        if self._film is not None:
            return self._film.read()
        if self._ticker is not None:
            return self._read_snapshot(self._ticker)
        assert self._parts is not None, "not open"
        try:
            part = next(self._parts, None)
        except ValueError as error:
            raise CameraFailed(f"{self.host} sends no MJPEG: {error}") from None
        except (OSError, http.client.HTTPException) as error:
            raise CameraFailed(f"{self.host}: {_reason(error)}") from None
        if part is None:
            raise CameraFailed(f"{self.host} has ended the stream")
        if not part.headers.get("content-type", "image/").lower().startswith("image/"):
            return None
        state = part.headers.get(_STATE)
        if state is not None:
            raise Paused(f"{self.host} has no picture: its camera is {state[:20]}")
        return Grab(_time_of(part.headers.get("x-timestamp")), jpeg=part.body)

    def interrupt(self) -> None:
        """Wake who waits for the peer."""
        answer, ticker = self._answer, self._ticker
        if ticker is not None:
            ticker.stop()
        connection = getattr(getattr(getattr(answer, "fp", None), "raw", None), "_sock", None)
        if isinstance(connection, socket.socket):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        if self._answer is not None:
            self._answer.close()
        if self._film is not None:
            self._film.close()
        self._answer = self._parts = self._film = None

    def _read_snapshot(self, ticker: Ticker) -> Grab | None:
        first, self._first = self._first, None
        if first is not None:
            return first
        if not ticker.wait():
            return None
        with self._ask() as answer:
            return self._picture(answer)

    def _ask(self) -> http.client.HTTPResponse:
        try:
            answer: http.client.HTTPResponse = self._opener.open(self.url, timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            error.close()
            hint = ": give user and password as USER:PASSWORD@" if error.code == 401 else ""
            raise CameraFailed(f"{self.host} answers {error.code} {error.reason}{hint}") from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise CameraFailed(f"{self.host}: {_reason(error)}") from None
        return answer

    def _picture(self, answer: http.client.HTTPResponse) -> Grab:
        try:
            data = answer.read(MAX_BODY)
        except (OSError, http.client.HTTPException) as error:
            raise CameraFailed(f"{self.host}: {_reason(error)}") from None
        return Grab(_time_of(answer.headers.get("X-Timestamp")), jpeg=data)

    def _read_parts(self, decoder: MultipartDecoder) -> Iterator[Part]:
        assert self._answer is not None
        answer = self._answer
        while data := answer.read1(_CHUNK):
            yield from decoder.feed(data)


class _Basic(urllib.request.HTTPBasicAuthHandler):
    """Closes the refusal once the question was asked again; the library leaves it open."""

    def http_error_401(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Ask again with user and password."""
        with _closing(fp) as asked:
            asked.answer = super().http_error_401(req, fp, code, msg, headers)
        return asked.answer


class _Digest(urllib.request.HTTPDigestAuthHandler):
    """The same for the digest scheme."""

    def http_error_401(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Ask again with a digest."""
        with _closing(fp) as asked:
            asked.answer = super().http_error_401(req, fp, code, msg, headers)
        return asked.answer


@contextlib.contextmanager
def _closing(refusal: Any) -> Iterator[SimpleNamespace]:
    """Close the refusal, unless nothing was asked again and it is the answer itself."""
    asked = SimpleNamespace(answer=refusal)
    try:
        yield asked
    finally:
        if asked.answer is not None:
            refusal.close()


def _make_opener(
    url: str, user: str | None, password: str | None, verify: bool
) -> urllib.request.OpenerDirector:
    """Asks directly, whatever proxies the environment has; Basic and Digest authentication."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    handlers: list[Any] = [
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=context),
    ]
    if user is not None:
        known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        known.add_password(None, url, unquote(user), unquote(password or ""))
        handlers += [_Basic(known), _Digest(known)]
    return urllib.request.build_opener(*handlers)


def _time_of(stamp: str | None) -> float:
    """A peer's time of capture, UNIX seconds, if it says one that can be true; else now."""
    now = time.time()
    try:
        seconds = float(stamp or "")
    except ValueError:
        return now
    return seconds if abs(now - seconds) < _PLAUSIBLE else now


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", error)
    if isinstance(cause, TimeoutError):
        return f"nothing came for {TIMEOUT:g} s"
    if isinstance(cause, http.client.IncompleteRead):
        return "it ended the stream"
    return str(getattr(cause, "strerror", None) or cause or type(error).__name__)
