"""Pipelined HTTP requests, parsed one after the other by the scheduler.

The next request of a connection is parsed after the response to the one before, in a step of its
own. Until then nothing more is read, so that neither requests nor responses queue up.
"""

from __future__ import annotations

from typing import Any

from twisted.web.http import HTTPChannel, Request

from twistedcam.runtime.scheduler import Job, StepResult
from twistedcam.runtime.timer import Timer
from twistedcam.servers.http.connection.stall import StallWatch

#: Most requests of one connection.
MAX_REQUESTS = 1000
#: Bytes to read at once, and most unsent bytes in the transport.
BUFFER = 16 * 1024
#: Unacknowledged bytes above which no further request is parsed.
MAX_UNSENT = 64 * 1024
#: Most lines of a chunked body to parse in one step; of a body with more lines, most bytes.
_STEP_LINES, _STEP_BYTES = 500, 2048
#: Seconds between two checks of unacknowledged bytes: the first and the longest delay.
_MIN_RETRY, _MAX_RETRY = 0.02, 1.0


class PipelinedChannel(HTTPChannel):
    """Parses requests in the steps of a job."""

    #: A line may end with LF alone (RFC 9112, 2.2); lineReceived removes the CR.
    delimiter = b"\n"
    factory: Any
    transport: Any
    _stall_watch: StallWatch
    _job: Job

    def __init__(self) -> None:
        super().__init__()
        #: True if nothing more is parsed: the connection closes, or was taken over.
        self.is_stopped = False
        #: Data that is not parsed yet.
        self._input = bytearray()
        #: The number of requests with a complete head, and of complete requests.
        self._requests = self._complete = 0
        self._answering = False
        self._is_parsing = False
        self._retry_delay = _MIN_RETRY

    def connectionMade(self) -> None:
        """Make the parsing job."""
        self._job = Job(self.factory.server.scheduler, self._step, self._update_reading)
        self._retry = Timer(self.factory.reactor)
        super().connectionMade()

    def _on_request_data(self) -> None:
        """Data of a request is about to be parsed."""

    def _on_idle(self) -> None:
        """Everything that can be parsed now is parsed."""

    def _on_parse_failure(self) -> None:
        """Handle the current exception, which parsing has raised."""

    def feed(self, data: bytes) -> None:
        """Add data to parse."""
        self._input += data
        self._job.add()

    def _step(self) -> StepResult:
        """Parse at most one request."""
        if self._may_parse():
            self._on_request_data()
        self._is_parsing = True
        try:
            is_same = True
            while is_same and self._may_parse() and not self._is_reading_slowly():
                complete = self._complete
                piece, is_whole = self._next_piece()
                super().dataReceived(piece)
                is_same = is_whole and complete == self._complete
        except Exception:
            self._on_parse_failure()
        finally:
            self._is_parsing = False
        self._on_idle()
        if not self._input:
            return StepResult.DONE
        can_parse = self._may_parse() and not self._retry.is_pending
        return StepResult.MORE if can_parse else StepResult.BLOCKED

    def _next_piece(self) -> tuple[bytes, bool]:
        """Return the data for one step, and True if the step may go on after it."""
        data = self._input
        end = len(data)
        if self.line_mode:  # a head; the body after it has limits of its own
            ends = [at + len(gap) for gap in (b"\n\r\n", b"\n\n") if (at := data.find(gap)) >= 0]
            end = min(ends, default=end)
        is_whole = bool(self.line_mode) or data.count(b"\n") <= _STEP_LINES
        if not is_whole:
            end = min(end, _STEP_BYTES)
        piece = bytes(data[:end])
        del data[:end]
        return piece, is_whole

    def _may_parse(self) -> bool:
        """True if there is data that may be parsed now."""
        is_busy = self._answering or self._waitingForTransport
        return bool(self._input) and not (is_busy or self.is_stopped)

    def _is_reading_slowly(self) -> bool:
        """True if too many bytes are unacknowledged; then the job continues later."""
        self._retry.cancel()
        if not self._requests or self._stall_watch.unread() <= MAX_UNSENT:
            self._retry_delay = _MIN_RETRY
            return False
        self._retry.start(self._retry_delay, self._job.resume)
        self._retry_delay = min(2 * self._retry_delay, _MAX_RETRY)
        return True

    def _update_reading(self, _: bool = False) -> None:
        """Stop or resume reading from the client."""
        if self.is_stopped:
            return
        if self._job.is_held or (self._waitingForTransport and not self._answering):
            self.transport.pauseProducing()
        else:
            self.transport.resumeProducing()

    def lineReceived(self, line: bytes) -> None:
        """Handle one line of a head."""
        super().lineReceived(line.removesuffix(b"\r"))

    def headerReceived(self, line: bytes) -> bool:
        """Handle one header; return False if it is not valid."""
        try:
            return bool(super().headerReceived(line))
        except ValueError:  # a Content-Length of thousands of digits
            self._respondToBadRequestAndDisconnect()
            return False

    def checkPersistence(self, request: Request, version: bytes) -> bool:
        """Return True if the connection stays open after this request."""
        self._requests += 1
        if self._requests < MAX_REQUESTS:
            return bool(super().checkPersistence(request, version))
        request.responseHeaders.setRawHeaders(b"Connection", [b"close"])
        return False

    def allContentReceived(self) -> None:
        """Answer the request, which is complete."""
        self._complete += 1
        self._answering = True
        super().allContentReceived()

    def requestDone(self, request: Request) -> None:
        """Go on with the next request: the response is complete."""
        self._answering = False
        self._stall_watch.wrote()
        self._input[:0] = self._take_unparsed()
        super().requestDone(request)
        self._update_reading()
        if not self._is_parsing:
            if self._input:
                self._job.add()
            self._on_idle()

    def _take_unparsed(self) -> bytes:
        """Take the data after the request out of the parser."""
        rest = b"".join([*self._dataBuffer, self.clearLineBuffer()])
        self._dataBuffer = []
        return rest

    def pauseProducing(self) -> None:
        """The buffer of the transport is full (IPushProducer)."""
        self._stall_watch.filled()
        super().pauseProducing()
        self._update_reading()

    def resumeProducing(self) -> None:
        """The buffer of the transport is empty (IPushProducer)."""
        self._stall_watch.emptied()
        super().resumeProducing()
        self._update_reading()
        self._job.resume()

    def _stop_parsing(self) -> None:
        """Stop parsing."""
        self.is_stopped = True
        self._input.clear()
        self.clearLineBuffer()
        self._job.stop()
        self._retry.cancel()
