"""The control port: the vocabulary for anybody who speaks telnet, or just lines."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory

from twistedcam.commands import Registry
from twistedcam.connections import Connections
from twistedcam.control.protocol import READ_SIZE, ControlProtocol
from twistedcam.delivery.write import limit_buffer
from twistedcam.parting import Parting

if TYPE_CHECKING:
    from twistedcam.server import Server

#: Bytes that the system may hold for a controller that does not read.
SEND_BUFFER = 64 * 1024


class ControlFactory(Factory[ControlProtocol]):
    """Makes the control port's protocols.

    Arguments:
        server: what is controlled.
        registry: the commands.
    """

    noisy = False

    def __init__(self, server: Server, registry: Registry) -> None:
        self.server = server
        self.registry = registry
        self.connections: Connections[ControlProtocol] = Connections()
        self.parting = Parting()

    def buildProtocol(self, addr: IAddress | None) -> ControlProtocol:
        """One for each connection."""
        return ControlProtocol(self)

    def close(self) -> Deferred[None]:
        """End all connections; fires when they are gone."""
        for connection in self.connections:
            connection.close(linger=False)
        return self.connections.when_empty()

    @staticmethod
    def tune(transport: Any) -> None:
        """Answers go out at once, and what waits here for one who does not read is little."""
        limit_buffer(transport, READ_SIZE)
        if hasattr(transport, "setTcpNoDelay"):
            transport.setTcpNoDelay(True)
            transport.setTcpKeepAlive(True)
        if hasattr(transport, "getHandle"):
            handle = transport.getHandle()
            if isinstance(handle, socket.socket):
                handle.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
