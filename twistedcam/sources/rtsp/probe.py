"""Finds out when a camera that could not be reached, or was silent, answers again."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from twistedcam.rtsp.messages import RtspHeaders, RtspRequest
from twistedcam.sources.rtsp.address import RtspAddress

#: Seconds for a connection, and for an answer. A camera that hangs may accept connections; one
#: that is there again then answers what was asked before.
_CONNECT_TIMEOUT = 1.0
_ANSWER_TIMEOUT = 12.0


def probe(reactor: Any, address: RtspAddress) -> Deferred[bool]:
    """Connect, and ask for an answer of any kind; fires with True if one comes.

    With TLS a connection is enough.
    """
    endpoint = HostnameEndpoint(reactor, address.host, address.port, timeout=_CONNECT_TIMEOUT)
    factory: Any = Factory.forProtocol(lambda: _Probe(reactor, address))
    factory.noisy = False

    def connected(protocol: Any) -> Deferred[bool]:
        answered: Deferred[bool] = protocol.answered
        return answered

    return endpoint.connect(factory).addCallbacks(connected, lambda _: False)


class _Probe(Protocol):
    """Sends a request, and closes the connection after the first bytes or a while."""

    def __init__(self, reactor: Any, address: RtspAddress) -> None:
        self._reactor = reactor
        self._address = address
        self.answered: Deferred[bool] = Deferred()
        self._limit: Any = None

    def connectionMade(self) -> None:
        if self._address.is_secure:
            self._end(True)
            return
        self._limit = self._reactor.callLater(_ANSWER_TIMEOUT, self._end, False)
        headers = RtspHeaders([("CSeq", "1"), ("User-Agent", "twistedcam")])
        assert self.transport is not None
        self.transport.write(RtspRequest("OPTIONS", self._address.url, headers).encode())

    def dataReceived(self, data: bytes) -> None:
        self._end(True)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._end(False)

    def _end(self, answers: bool) -> None:
        if self._limit is not None and self._limit.active():
            self._limit.cancel()
        transport: Any = self.transport
        transport.abortConnection()
        if not self.answered.called:
            self.answered.callback(answers)
