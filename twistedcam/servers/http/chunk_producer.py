"""Sends what a thread reads from files, while the client takes it."""

from __future__ import annotations

from collections.abc import Iterator

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam.net.addresses import show_address
from twistedcam.runtime.threads import Thread
from twistedcam.servers.http.connection.request import HttpRequest

log = Logger()


@implementer(IPushProducer)
class ChunkProducer:
    """Sends parts that a thread reads, one at a time, while the client takes them.

    Arguments:
        chunks: the parts; each ``next`` blocks.
        size: bytes of all of them.
        thread: ended with the response.
        what: the download, for the log.
    """

    def __init__(
        self,
        request: HttpRequest,
        chunks: Iterator[bytes],
        size: int,
        thread: Thread,
        what: str,
    ) -> None:
        self._request = request
        self._chunks = chunks
        self._left = size
        self._thread = thread
        self._what = what
        self._is_paused = False
        self._is_reading = False
        self._is_stopped = False

    def start(self) -> None:
        """Begin to send."""
        self._request.notifyFinish().addErrback(lambda _: self.stopProducing())
        self._request.registerProducer(self, True)
        self.resumeProducing()

    def resumeProducing(self) -> None:
        """Send the next parts."""
        self._is_paused = False
        self._read()

    def pauseProducing(self) -> None:
        """Wait: the client has not taken what was sent."""
        self._is_paused = True

    def stopProducing(self) -> None:
        """End the work: the client has gone, or has everything."""
        if not self._is_stopped:
            self._is_stopped = True
            self._thread.run(lambda: self._chunks.close())  # type: ignore[attr-defined]
            self._thread.end()

    def _read(self) -> None:
        if self._is_reading or self._is_paused or self._is_stopped:
            return
        self._is_reading = True
        reading: Deferred[bytes] = self._thread.run(lambda: next(self._chunks, b""))
        reading.addCallbacks(self._on_chunk, self._on_failed)

    def _on_chunk(self, data: bytes) -> None:
        self._is_reading = False
        if self._is_stopped:
            return
        self._left -= len(data)
        if data:
            self._request.write(data)
        if self._left <= 0:
            self._finish()
        elif not data:
            self._abort("a file has become shorter")
        else:
            self._read()

    def _on_failed(self, why: Failure) -> None:
        self._is_reading = False
        if not self._is_stopped:
            self._abort(why.getErrorMessage())

    def _finish(self) -> None:
        self._request.unregisterProducer()
        self.stopProducing()
        self._request.finish()

    def _abort(self, reason: str) -> None:
        """Close the connection, so that the client sees that bytes are missing."""
        peer = show_address(self._request.getClientAddress())
        log.info("{peer}: {what} ends early: {reason}", peer=peer, what=self._what, reason=reason)
        self._request.unregisterProducer()
        self.stopProducing()
        self._request.channel.loseConnection()
