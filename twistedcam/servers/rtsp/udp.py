"""The UDP ports that all RTSP sessions at a local address share."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol

from twistedcam.delivery.udp_sender import Address, DatagramSockets
from twistedcam.errors import TooMany

#: Attempts to find two free ports next to each other.
_ATTEMPTS = 50
#: Bytes that wait in the kernel to be sent, if the system allows as many.
_SEND_BUFFER = 1 << 20


class _Port(DatagramProtocol):
    """Passes what arrives from a session's address to that session; the rest is ignored.

    The port of RTP has no receivers: packets that clients send there only open a firewall.
    """

    noisy = False

    def __init__(self) -> None:
        self.receivers: dict[Address, Callable[[bytes], None]] = {}

    def datagramReceived(self, data: bytes, addr: Any) -> None:
        receiver = self.receivers.get((addr[0], addr[1]))
        if receiver is not None:
            receiver(data)


class UdpPorts:
    """Two ports next to each other on a local address, for RTP and RTCP of all its sessions.

    Arguments:
        reactor: opens the ports.
        host: the local address.

    Raises:
        TooMany: no two ports are free.
    """

    def __init__(self, reactor: Any, host: str) -> None:
        self._ports = _open_pair(reactor, host)
        self._rtcp: _Port = self._ports[1].protocol
        rtp, rtcp = (each.getHandle() for each in self._ports)
        rtp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        #: Where the packets of the sessions come from.
        self.sockets = DatagramSockets(rtp, rtcp)

    @property
    def numbers(self) -> tuple[int, int]:
        """The ports of RTP and RTCP."""
        rtp: int = self.sockets.rtp.getsockname()[1]
        return rtp, rtp + 1

    @property
    def is_used(self) -> bool:
        """True while a session receives RTCP here."""
        return bool(self._rtcp.receivers)

    def listen(self, address: Address, receiver: Callable[[bytes], None]) -> None:
        """Pass RTCP packets that come from an address to a session.

        Raises:
            TooMany: another session uses that address.
        """
        if address in self._rtcp.receivers:
            raise TooMany(f"another session uses UDP port {address[1]} of this client already")
        self._rtcp.receivers[address] = receiver

    def forget(self, address: Address) -> None:
        """Ignore what comes from an address."""
        self._rtcp.receivers.pop(address, None)

    def close(self) -> None:
        """Close both ports."""
        for port in self._ports:
            port.stopListening()


def _open_pair(reactor: Any, host: str) -> tuple[Any, Any]:
    """Open an even port and the next one.

    Raises:
        TooMany: no two ports are free.
    """
    refused = []
    try:
        for _ in range(_ATTEMPTS):
            one = reactor.listenUDP(0, _Port(), interface=host)
            number = one.getHost().port
            try:
                other = reactor.listenUDP(number ^ 1, _Port(), interface=host)
            except CannotListenError:
                refused.append(one)  # it stays open until a pair is found
                continue
            return (one, other) if number % 2 == 0 else (other, one)
    except CannotListenError:
        pass
    finally:
        for each in refused:
            each.stopListening()
    raise TooMany("the server has no UDP ports for another viewer: use TCP")
