"""The choice of an outlet for a connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorFDSet

from twistedcam.delivery.sender import Framing, Outlet
from twistedcam.delivery.sendfile_sender import SendfileOutlet
from twistedcam.delivery.socket_state import HAS_SENDFILE, stream_socket
from twistedcam.delivery.tls_sender import SealedOutlet, sealing
from twistedcam.delivery.transport_sender import WriteOutlet


def make_outlet(
    transport: Any, framing: Framing, cleared: Callable[[], None], reactor: Any
) -> Outlet:
    """Return the fastest outlet that a connection can have.

    The outlet becomes the transport's producer; the transport must have no other. Over HTTP that is
    ``request.channel.transport``, taken over from twisted.web's channel.

    Arguments:
        transport: the connection.
        framing: the form of a frame on this wire.
        cleared: called when the next frame can be sent.
        reactor: the reactor of the connection.
    """
    if HAS_SENDFILE and IReactorFDSet.providedBy(reactor):
        sock = stream_socket(transport)
        if sock is not None:
            return SendfileOutlet(transport, framing, cleared, reactor, sock)
    connection = sealing(transport)
    if connection is not None:
        return SealedOutlet(transport, framing, cleared, reactor, connection)
    return WriteOutlet(transport, framing, cleared)
