"""The connection to an RTSP camera: requests with their responses, and interleaved frames."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import (
    ConnectError,
    ConnectingCancelledError,
    ConnectionDone,
    ConnectionLost,
    DNSLookupError,
    TimeoutError,
)
from twisted.internet.interfaces import IReactorTime, ISSLTransport, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.errors import CameraFailed
from twistedcam.net.urls import without_secrets
from twistedcam.rtsp.messages import (
    BadRtsp,
    Bounds,
    InterleavedFrame,
    RtspDecoder,
    RtspHeaders,
    RtspMessage,
    RtspRequest,
    RtspResponse,
    interleaved_head,
)
from twistedcam.runtime.timer import Timer
from twistedcam.sources.base import NO_SUCH_NAME
from twistedcam.sources.rtsp.read_gathering import ReadGathering
from twistedcam.util.one_line import on_one_line

log = Logger()

#: Seconds within which a request must be answered, and without video after which a camera has
#: failed.
TIMEOUT = 5.0
#: Seconds for the last bytes and the end of a connection that is closed.
_CLOSE_TIMEOUT = 1.0
#: The most requests of the camera within so many seconds: their answers wait in memory.
_MAX_REQUESTS, _WINDOW = 100, 10.0
#: Requests of the camera that are answered with success: they check that the client is there.
_CHECKS = frozenset({"OPTIONS", "GET_PARAMETER", "SET_PARAMETER"})
#: Requests by which the camera ends the session.
_ENDS = frozenset({"TEARDOWN", "REDIRECT"})


class Unanswered(CameraFailed):
    """The camera cannot be reached, or does not answer, or is silent."""


#: Called with a buffer and the bounds of RTP or RTCP packets in it.
PacketReceiver = Callable[[bytes, Bounds], object]


class RtspConnection(Protocol):
    """Sends requests, and gives packets to the receivers of their channels.

    Arguments:
        clock: measures time-outs.
        name: of the camera, in messages.
        on_lost: called once with the reason when the connection is lost, unless ``close`` ends it.
    """

    transport: ITCPTransport

    def __init__(
        self, clock: IReactorTime, name: str, on_lost: Callable[[CameraFailed], object]
    ) -> None:
        self._clock = clock
        self._name = name
        self._on_lost: Callable[[CameraFailed], object] | None = on_lost
        self._decoder = RtspDecoder(self._frames_received)
        #: The receivers of the channels.
        self.receivers: list[PacketReceiver | None] = [None] * 256
        self._cseq = 0
        #: The requests that are not answered yet, by their numbers.
        self._answers: dict[int, Deferred[RtspResponse]] = {}
        #: What lets bytes gather while nobody needs packets at once.
        self._gathering: ReadGathering | None = None
        self._is_decoding = False
        self._closed: Deferred[None] = Deferred()
        self._close_limit = Timer(clock)
        self._has_logged = False
        #: The number of the camera's requests since that second.
        self._requests, self._window_began = 0, clock.seconds()
        self.is_lost = False

    def connectionMade(self) -> None:
        """Send requests without delay."""
        self.transport.setTcpNoDelay(True)
        self.transport.setTcpKeepAlive(True)

    def request(self, method: str, uri: str, *fields: tuple[str, str]) -> Deferred[RtspResponse]:
        """Send a request; fires with the response of any status.

        Fails with CameraFailed without an answer in time, and if the connection is lost.

        Arguments:
            fields: further header fields.
        """
        if self.is_lost:
            return fail(CameraFailed(f"{self._name} has closed the connection"))
        self.transport.write(self.next_request(method, uri, *fields))
        number = self._cseq

        def timed_out(result: Any, _: float) -> Any:
            raise Unanswered(f"{self._name}: nothing came for {TIMEOUT:g} s")

        def cancelled(_: Deferred[RtspResponse]) -> None:
            self._answers.pop(number, None)

        answer: Deferred[RtspResponse] = Deferred(cancelled)
        self._answers[number] = answer
        return answer.addTimeout(TIMEOUT, self._clock, timed_out)

    def send_packet(self, channel: int, packet: bytes) -> None:
        """Send an RTP or RTCP packet on a channel."""
        if not self.is_lost:
            self.transport.write(interleaved_head(channel, len(packet)) + packet)

    def gather(self, wanted: bool) -> bool:
        """Read bytes when many are there, or as soon as they are there.

        Returns True if they gather from now on; those of TLS never do.
        """
        wanted = wanted and not self.is_lost and not ISSLTransport.providedBy(self.transport)
        if wanted and self._gathering is None:
            self._gathering = ReadGathering(self.transport, self._clock)
        elif not wanted:
            self._end_gathering()
        return wanted

    def collect(self) -> None:
        """Read what has come so far."""
        if self._gathering is not None and not self._is_decoding:
            self._gathering.read()

    def _end_gathering(self) -> None:
        gathering, self._gathering = self._gathering, None
        if gathering is not None:
            gathering.end(self.is_lost)

    def close(self, last: bytes = b"") -> Deferred[None]:
        """Close the connection after some last bytes; fires when it is closed."""
        self._on_lost = None
        self._end_gathering()
        self.receivers = [None] * 256
        self._fail_requests(CameraFailed(f"{self._name}: interrupted"))
        if not self.is_lost:
            if last:
                self.transport.write(last)
            self.transport.loseConnection()
            self._close_limit.start(_CLOSE_TIMEOUT, self.transport.abortConnection)
        return self._closed

    def next_request(self, method: str, uri: str, *fields: tuple[str, str]) -> bytes:
        """Return the bytes of a request whose answer is not waited for."""
        self._cseq += 1
        headers = RtspHeaders([("CSeq", str(self._cseq)), ("User-Agent", "twistedcam"), *fields])
        return RtspRequest(method, uri, headers).encode()

    def dataReceived(self, data: bytes) -> None:
        """Decode what has arrived."""
        self._is_decoding = True
        try:
            for message in self._decoder.feed(data):
                self._message_received(message)
        except BadRtsp as error:
            self._fail(CameraFailed(f"{self._name} sends no valid RTSP: {error}"))
        finally:
            self._is_decoding = False
        if self._decoder.skipped and not self._has_logged:
            self._has_logged = True
            log.warn("{camera} sends bytes that are no RTSP; they are skipped", camera=self._name)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Fail what is under way."""
        self.is_lost = True
        self._close_limit.cancel()
        self._fail(CameraFailed(f"{self._name}{_described(reason)}"))
        self._closed.callback(None)

    def _frames_received(self, channel: int, data: bytes, bounds: Bounds) -> None:
        receive = self.receivers[channel]
        if receive is not None:
            receive(data, bounds)

    def _message_received(self, message: RtspMessage) -> None:
        if isinstance(message, RtspResponse):
            number, waiting = message.cseq, self._answers
            # Some cameras leave the number out, or have others than those of the requests.
            is_other = number is not None and not 0 < number <= self._cseq
            if waiting and (number is None or (is_other and len(waiting) == 1)):
                number = min(waiting)
            answer = waiting.pop(number, None) if number is not None else None
            if answer is not None:
                answer.callback(message)
        elif isinstance(message, RtspRequest):
            self._answer(message)
        else:
            assert isinstance(message, InterleavedFrame)

    def _answer(self, request: RtspRequest) -> None:
        """Answer a request of the camera; too many of them end the connection."""
        now = self._clock.seconds()
        if now - self._window_began > _WINDOW:
            self._window_began, self._requests = now, 0
        self._requests += 1
        if self._requests > _MAX_REQUESTS:
            self._fail(CameraFailed(f"{self._name} sends too many requests"))
            return
        status = 200 if request.method in _CHECKS | _ENDS else 501
        fields = [("CSeq", request.headers.get("CSeq", "0")[:20])]
        self.transport.write(RtspResponse(status, RtspHeaders(fields)).encode())
        if request.method in _ENDS:
            location = on_one_line(without_secrets(request.headers.get("Location")))[:200]
            where = f" and refers to {location}" if location else ""
            self._fail(CameraFailed(f"{self._name} has ended the stream{where}"))

    def _fail(self, error: CameraFailed) -> None:
        """Fail all requests, then the stream."""
        self._end_gathering()
        self._fail_requests(error)
        on_lost, self._on_lost = self._on_lost, None
        if not self.is_lost:
            self.transport.abortConnection()
        if on_lost is not None:
            on_lost(error)

    def _fail_requests(self, error: CameraFailed) -> None:
        answers, self._answers = self._answers, {}
        for answer in answers.values():
            answer.errback(error)


def _described(reason: Failure) -> str:
    """Return why a connection was lost, as the end of a sentence that begins with the camera."""
    if reason.check(ConnectionDone):
        return " has ended the stream"
    if reason.check(ConnectionLost):
        return ": the connection was lost"
    return f": {reason_of(reason)}"


def reason_of(failure: Failure) -> str:
    """Describe why a connection could not be made, or was lost, without the camera's name."""
    error = failure.value
    if isinstance(error, DNSLookupError):
        return NO_SUCH_NAME
    if isinstance(error, (ConnectError, OSError)):
        number = getattr(error, "osError", None) or getattr(error, "errno", None)
        if isinstance(number, int):
            return os.strerror(number)
    # An endpoint that is cancelled at the time limit fails with its address.
    if isinstance(error, (TimeoutError, ConnectingCancelledError)):
        return f"nothing came for {TIMEOUT:g} s"
    # A certificate of another name is an error of the package service_identity.
    is_other = type(error).__module__.startswith("service_identity")
    if is_other or (isinstance(error, SSL.Error) and "verify failed" in str(error)):
        return (
            "its certificate is not trusted: add #verify=0 to the address if it is the right camera"
        )
    if isinstance(error, SSL.Error):
        return "it does not use TLS, or another version of it"
    return on_one_line(failure.getErrorMessage())[:200] or type(error).__name__
