"""The choice of a sender for a connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorFDSet

from twistedcam.delivery.sender import Sender, Serializer
from twistedcam.delivery.sendfile_sender import SendfileSender
from twistedcam.delivery.socket_state import HAS_SENDFILE, stream_socket
from twistedcam.delivery.tls_sender import TlsSender, tls_connection
from twistedcam.delivery.transport_sender import TransportSender


def choose_sender(
    transport: Any, serializer: Serializer, on_ready: Callable[[], None], reactor: Any
) -> Sender:
    """Return the fastest sender that a connection allows.

    The sender becomes the transport's producer; the transport must have no other. Over HTTP the
    transport is ``request.channel.transport``, taken over from twisted.web's channel.

    Arguments:
        transport: the connection.
        serializer: returns the wire form of a frame.
        on_ready: called when the next frame can be sent.
        reactor: the reactor of the connection.
    """
    if HAS_SENDFILE and IReactorFDSet.providedBy(reactor):
        sock = stream_socket(transport)
        if sock is not None:
            return SendfileSender(transport, serializer, on_ready, reactor, sock)
    connection = tls_connection(transport)
    if connection is not None:
        return TlsSender(transport, serializer, on_ready, reactor, connection)
    return TransportSender(transport, serializer, on_ready)
