"""The way to a server, on Twisted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam.clients.frames.address import CameraAddress
from twistedcam.tls.client_endpoint import client_endpoint


@implementer(IStreamClientEndpoint)
class ReportedEndpoint:
    """An endpoint that says when it could not connect: ClientService keeps that to itself."""

    def __init__(self, endpoint: Any, failed: Callable[[Failure], None]) -> None:
        self._endpoint = endpoint
        self._failed = failed

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        """Connect."""

        def report(why: Failure) -> Failure:
            self._failed(why)
            return why

        connecting: Deferred[Any] = self._endpoint.connect(protocolFactory)
        return connecting.addErrback(report)


def make_endpoint(reactor: Any, target: CameraAddress) -> IStreamClientEndpoint:
    """The way to a server."""
    if target.path is not None:
        return UNIXClientEndpoint(reactor, target.path)
    if target.tls:
        return client_endpoint(reactor, target.host, target.port, target.trust)
    return HostnameEndpoint(reactor, target.host, target.port)
