"""One session with an RTSP camera: log-in, description, tracks, keep-alive, end."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.errors import CameraFailed, LoginRefused
from twistedcam.net.http_login import Login
from twistedcam.rtsp.messages import RtspResponse
from twistedcam.rtsp.sdp import BadSdp, SessionDescription, control_url, parse_sdp
from twistedcam.sources.base import LOGIN_REFUSED, LOGIN_WANTED
from twistedcam.sources.rtsp.address import RtspAddress
from twistedcam.sources.rtsp.connection import TIMEOUT, RtspConnection, Unanswered, reason_of
from twistedcam.sources.rtsp.transport import TrackTransport
from twistedcam.tls.client import Trust
from twistedcam.tls.client_endpoint import client_endpoint, unverified_endpoint
from twistedcam.util.one_line import on_one_line

log = Logger()

#: The most redirects and challenges for one request.
_MAX_STEPS = 8
_REDIRECTS = (301, 302, 303, 305, 307)
#: Seconds after which a session ends without requests, if the camera does not say it (RFC 2326,
#: 12.37), and the least and the most between two requests that keep it alive.
_SESSION_TIMEOUT = 60.0
_KEEP_ALIVE = (1.0, 30.0)
#: Seconds between two receiver reports.
_REPORT_EVERY = 5.0
_SESSION = re.compile(r"([^;\s]+)(?:\s*;.*?timeout\s*=\s*(\d{1,6}))?")
#: Sentences about statuses, after the camera's name.
_STATUSES = {
    404: "has no stream at this path (404): correct the path in the camera's address",
    453: "has not enough bandwidth for one more client (453)",
    454: "has ended the session (454)",
    503: "cannot deliver the stream now (503): it may have too many clients",
}


class RtspSession:
    """A session, on one connection.

    Arguments:
        reactor: the reactor.
        address: of the camera.
        verify: True if the certificate of an ``rtsps`` address must be valid.
        on_lost: called once with the reason when the session is lost.
    """

    def __init__(
        self,
        reactor: Any,
        address: RtspAddress,
        verify: bool,
        on_lost: Callable[[CameraFailed], object],
    ) -> None:
        self._reactor = reactor
        self.address = address
        self._verify = verify
        self._on_lost = on_lost
        self._login = Login(address.user, address.password)
        self._connecting: Deferred[Any] | None = None
        self._connection: RtspConnection | None = None
        self._is_closed = False
        #: The address by which the session is played and ended.
        self._control = address.url
        self._id = ""
        self._timeout = _SESSION_TIMEOUT
        self._transports: list[TrackTransport] = []
        self._keeper: LoopingCall | None = None
        self._reporter: LoopingCall | None = None
        #: The method that keeps the session alive.
        self._keep_alive = "OPTIONS"

    @property
    def _is_playing(self) -> bool:
        return self._keeper is not None

    @property
    def connection(self) -> RtspConnection:
        """The connection of the session."""
        assert self._connection is not None, "not connected"
        return self._connection

    async def describe(self) -> tuple[SessionDescription, str]:
        """Connect and log in; return the description and the base of the tracks' addresses.

        Raises:
            CameraFailed, LoginRefused: there is no description; the message says why.
        """
        await self._connect()
        options = await self._request("OPTIONS")
        if "GET_PARAMETER" in options.headers.get("Public").upper():
            self._keep_alive = "GET_PARAMETER"
        accept = ("Accept", "application/sdp")
        answer = await self._request("DESCRIBE", None, accept)
        self._check(answer, "DESCRIBE")
        try:
            session = parse_sdp(answer.body)
        except BadSdp as error:
            raise CameraFailed(f"{self.address.name} sends no valid description: {error}") from None
        headers = answer.headers
        base = headers.get("Content-Base") or headers.get("Content-Location")
        if not base.lower().startswith(("rtsp://", "rtsps://")):
            base = self.address.url
        self._control = control_url(base, session.control)
        return session, base

    async def set_up(self, url: str, transport: TrackTransport) -> None:
        """Set up a track.

        Arguments:
            url: its address.
            transport: how its packets come.

        Raises:
            CameraFailed: the camera refuses it; the message says why.
        """
        field = ("Transport", transport.request())
        self._transports.append(transport)
        try:
            answer = await self._request("SETUP", url, field)
            if answer.status == 461:
                raise CameraFailed(f"{self.address.name} {transport.refusal} (461)")
            self._check(answer, "SETUP")
            match = _SESSION.match(answer.headers.get("Session"))
            if match is not None:
                self._id = match[1]
                self._timeout = float(match[2] or 0) or _SESSION_TIMEOUT
            try:
                transport.accept(answer.headers.get("Transport"))
            except CameraFailed as error:
                raise CameraFailed(f"{self.address.name}: {error}") from None
        except CameraFailed:
            if not self._is_closed:
                self._transports.remove(transport)
                transport.close()
            raise

    async def play(self, urls: list[str]) -> None:
        """Start all tracks, and keep the session alive from now on.

        No range is asked for: GStreamer's server would seek, and refuse that for live cameras.

        Arguments:
            urls: the addresses of the tracks, for cameras that do not start all at once.

        Raises:
            CameraFailed: the camera refuses it; the message says why.
        """
        answer = await self._request("PLAY", self._control)
        if answer.status in (405, 455, 459, 460):
            for url in urls:
                answer = await self._request("PLAY", url)
                self._check(answer, "PLAY")
        self._check(answer, "PLAY")
        low, high = _KEEP_ALIVE
        self._keeper = self._start(self._keep, min(max(self._timeout / 2, low), high))
        self._reporter = self._start(self._report, _REPORT_EVERY)

    def close(self) -> Deferred[None]:
        """End the session and close the connection; fires when that is done."""
        self._is_closed = True
        for loop in (self._keeper, self._reporter):
            if loop is not None and loop.running:
                loop.stop()
        if self._connecting is not None:
            self._connecting.cancel()
        closing: list[Deferred[Any]] = [each.close() for each in self._transports]
        self._transports = []
        if self._connection is not None:
            last = b""
            if self._id:
                fields = self._fields("TEARDOWN", self._control)
                last = self._connection.next_request("TEARDOWN", self._control, *fields)
            closing.append(self._connection.close(last))
        return DeferredList(closing, consumeErrors=True).addCallback(lambda _: None)

    async def _connect(self) -> None:
        old, self._connection = self._connection, None
        if old is not None:
            old.close()
        endpoint = self._endpoint()
        name, clock = self.address.name, self._reactor
        factory: Any = Factory.forProtocol(lambda: RtspConnection(clock, name, self._lost))
        factory.noisy = False
        self._connecting = connecting = endpoint.connect(factory)
        connecting.addTimeout(TIMEOUT, self._reactor)
        try:
            connection: Any = await connecting
        except Exception as error:
            # An unknown name is not asked for repeatedly.
            kind = CameraFailed if isinstance(error, DNSLookupError) else Unanswered
            raise kind(f"{name}: {reason_of(Failure())}") from None
        finally:
            self._connecting = None
        if self._is_closed:
            connection.close()
            raise CameraFailed(f"{name}: interrupted")
        self._connection = connection

    def _endpoint(self) -> IStreamClientEndpoint:
        host, port = self.address.host, self.address.port
        if not self.address.is_secure:
            return HostnameEndpoint(self._reactor, host, port)
        if not self._verify:
            return unverified_endpoint(self._reactor, host, port)
        return client_endpoint(self._reactor, host, port, Trust())

    async def _request(
        self, method: str, uri: str | None = None, *fields: tuple[str, str]
    ) -> RtspResponse:
        """Send a request, with the log-in that the camera asks for, also to where it redirects.

        Arguments:
            uri: None for the camera's address, also after a redirect.
        """
        for step in range(_MAX_STEPS):
            at = self.address.url if uri is None else uri
            try:
                made = self.connection.request(method, at, *self._fields(method, at), *fields)
                answer = await made
            except CameraFailed:
                # Some cameras close the connection after they have asked for a log-in.
                if not step or not self.connection.is_lost or self._is_playing or self._is_closed:
                    raise
                await self._connect()
                continue
            if answer.status == 401:
                challenges = answer.headers.get_all("WWW-Authenticate")
                if not challenges or not self._login.challenged(challenges):
                    raise LoginRefused(LOGIN_REFUSED if self._login.has_password else LOGIN_WANTED)
            elif answer.status in _REDIRECTS and not self._is_playing:
                self.address = self.address.redirected(answer.headers.get("Location"))
                await self._connect()
            else:
                if answer.status < 400:
                    self._login.accepted()
                return answer
        raise CameraFailed(f"{self.address.name} redirects or asks for a login endlessly")

    def _fields(self, method: str, uri: str) -> list[tuple[str, str]]:
        """The header fields of every request."""
        fields = [("Session", self._id)] if self._id else []
        login = self._login.header(method, uri)
        return [*fields, ("Authorization", login)] if login is not None else fields

    def _check(self, answer: RtspResponse, method: str) -> None:
        """Raise CameraFailed or LoginRefused unless the answer is a success."""
        status, name = answer.status, self.address.name
        if 200 <= status < 300:
            return
        if status == 403:
            if self._login.has_password:
                raise LoginRefused(LOGIN_REFUSED)
            raise CameraFailed(f"{name} refuses access (403)")
        if status in _STATUSES:
            raise CameraFailed(f"{name} {_STATUSES[status]}")
        reason = on_one_line(answer.reason)[:80]
        raise CameraFailed(f"{name} answers {status} {reason} to {method}")

    def _lost(self, error: CameraFailed) -> None:
        if self._is_playing:  # until then requests fail
            self._on_lost(error)

    def _start(self, call: Callable[[], object], every: float) -> LoopingCall:
        loop = LoopingCall(call)
        loop.clock = self._reactor
        started = loop.start(every, now=False)
        started.addErrback(lambda why: log.failure("a session could not be kept", failure=why))
        return loop

    def _keep(self) -> None:
        """Keep the session alive; video may go on though the camera does not answer."""
        asked = self._keep_alive
        answered = Deferred.fromCoroutine(self._request(asked, self._control))

        def answer_received(answer: RtspResponse) -> None:
            if answer.status >= 400 and asked != "OPTIONS":
                self._keep_alive = "OPTIONS"
                self._keep()
            elif answer.status == 454:
                self._on_lost(CameraFailed(f"{self.address.name} {_STATUSES[454]}"))

        answered.addCallback(answer_received)
        answered.addErrback(lambda why: why.trap(CameraFailed))

    def _report(self) -> None:
        for transport in self._transports:
            transport.send_report()
