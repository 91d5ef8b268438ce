"""Pipelined HTTP requests, parsed one after the other by the scheduler.

The next request of a connection is parsed when the answer to the one before has left, in a step of
its own. Until then nothing more is read from the client: neither requests nor answers pile up,
however many are sent at once.
"""

from __future__ import annotations

from typing import Any

from twisted.web.http import HTTPChannel, Request

from twistedcam.runtime.scheduler import Job, Progress
from twistedcam.runtime.timer import Timer
from twistedcam.servers.http.connection.stall import StallWatch

#: Requests that one connection may make.
MAX_REQUESTS = 1000
#: Bytes that are read at once, and bytes of answers that may wait in the transport.
BUFFER = 16 * 1024
#: Bytes that the client's kernel has not taken, beyond which no further request is looked at.
MAX_UNSENT = 64 * 1024
#: Lines of a chunked body that are parsed in one step; of a body with more, so many bytes.
_STEP_LINES, _STEP_BYTES = 500, 2048
#: Seconds between two looks at whether a client has taken its answers: the first, and the longest.
_FIRST_LOOK, _LONGEST_LOOK = 0.02, 1.0


class PipelinedChannel(HTTPChannel):
    """Parses requests in the steps of a job.

    A subclass says what happens when a request begins (``_begins``), when nothing is left to be
    done for now (``_rests``), and when parsing fails (``_failed``).
    """

    #: A line may end with LF alone (RFC 9112, 2.2); the CR before it is taken off below.
    delimiter = b"\n"
    factory: Any
    transport: Any
    _watch: StallWatch
    _job: Job

    def __init__(self) -> None:
        super().__init__()
        #: Whether nothing more is read: the connection is about to end, or is somebody else's.
        self.over = False
        #: What has come and is not parsed yet.
        self._input = bytearray()
        #: Requests whose head has come, and requests of which all has come.
        self._requests = self._complete = 0
        self._answering = False
        self._is_parsing = False
        self._next_look = _FIRST_LOOK

    def connectionMade(self) -> None:
        """Begin with nothing to parse."""
        self._job = Job(self.factory.server.scheduler, self._step, self._update_reading)
        self._look = Timer(self.factory.reactor)
        super().connectionMade()

    def _begins(self) -> None:
        """A request begins, or goes on."""

    def _rests(self) -> None:
        """All that came is parsed, as far as it can be now."""

    def _failed(self) -> None:
        """Parsing has raised an exception, which is being handled."""

    def feed(self, data: bytes) -> None:
        """Keep what the client sent until it is parsed."""
        self._input += data
        self._job.add()

    def _step(self) -> Progress:
        """Parse no more than one request."""
        if self._may_parse():
            self._begins()
        self._is_parsing = True
        try:
            is_same = True
            while is_same and self._may_parse() and not self._has_unsent():
                complete = self._complete
                piece, is_whole = self._next_piece()
                super().dataReceived(piece)
                is_same = is_whole and complete == self._complete
        except Exception:
            self._failed()
        finally:
            self._is_parsing = False
        self._rests()
        if not self._input:
            return Progress.DONE
        can_parse = self._may_parse() and not self._look.is_pending
        return Progress.MORE if can_parse else Progress.BLOCKED

    def _next_piece(self) -> tuple[bytes, bool]:
        """What to parse in one step; whether the step may go on behind it."""
        data = self._input
        end = len(data)
        if self.line_mode:  # a head: behind it comes a body, which is parsed at its own pace
            ends = [at + len(gap) for gap in (b"\n\r\n", b"\n\n") if (at := data.find(gap)) >= 0]
            end = min(ends, default=end)
        is_whole = bool(self.line_mode) or data.count(b"\n") <= _STEP_LINES
        if not is_whole:
            end = min(end, _STEP_BYTES)
        piece = bytes(data[:end])
        del data[:end]
        return piece, is_whole

    def _may_parse(self) -> bool:
        """Whether a request, or a part of one, waits and may be looked at."""
        is_busy = self._answering or self._waitingForTransport
        return bool(self._input) and not (is_busy or self.over)

    def _has_unsent(self) -> bool:
        """Whether the client has yet to take what it asked for before; then it is looked later."""
        self._look.cancel()
        if not self._requests or self._watch.unread() <= MAX_UNSENT:
            self._next_look = _FIRST_LOOK
            return False
        self._look.start(self._next_look, self._job.resume)
        self._next_look = min(2 * self._next_look, _LONGEST_LOOK)
        return True

    def _update_reading(self, _: bool = False) -> None:
        """Read no more than what is parsed and answered."""
        if self.over:
            return
        if self._job.is_held or (self._waitingForTransport and not self._answering):
            self.transport.pauseProducing()
        else:
            self.transport.resumeProducing()

    def lineReceived(self, line: bytes) -> None:
        """One line of a request's head."""
        super().lineReceived(line.removesuffix(b"\r"))

    def headerReceived(self, line: bytes) -> bool:
        """One header; whether it will do."""
        try:
            return bool(super().headerReceived(line))
        except ValueError:  # a Content-Length of thousands of digits
            self._respondToBadRequestAndDisconnect()
            return False

    def checkPersistence(self, request: Request, version: bytes) -> bool:
        """Whether the connection goes on behind this request."""
        self._requests += 1
        if self._requests < MAX_REQUESTS:
            return bool(super().checkPersistence(request, version))
        request.responseHeaders.setRawHeaders(b"Connection", [b"close"])
        return False

    def allContentReceived(self) -> None:
        """The request is complete."""
        self._complete += 1
        self._answering = True
        super().allContentReceived()

    def requestDone(self, request: Request) -> None:
        """The answer is complete, and on its way."""
        self._answering = False
        self._watch.wrote()
        self._input[:0] = self._behind_the_request()
        super().requestDone(request)
        self._update_reading()
        if not self._is_parsing:
            if self._input:
                self._job.add()
            self._rests()

    def _behind_the_request(self) -> bytes:
        """Take out of the parser what came behind the request."""
        behind = b"".join([*self._dataBuffer, self.clearLineBuffer()])
        self._dataBuffer = []
        return behind

    def pauseProducing(self) -> None:
        """The transport holds as much of an answer as it likes to."""
        self._watch.filled()
        super().pauseProducing()
        self._update_reading()

    def resumeProducing(self) -> None:
        """The transport holds nothing."""
        self._watch.emptied()
        super().resumeProducing()
        self._update_reading()
        self._job.resume()

    def _stop_work(self) -> None:
        """Parse no more."""
        self.over = True
        self._input.clear()
        self.clearLineBuffer()
        self._job.stop()
        self._look.cancel()
