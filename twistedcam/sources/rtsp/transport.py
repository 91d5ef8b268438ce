"""Transports of RTP and RTCP packets: the connection of the session, or UDP."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from typing import Any, Protocol

from twisted.internet.defer import Deferred, DeferredList, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol

from twistedcam.errors import CameraFailed
from twistedcam.rtsp.rtp import ReorderBuffer, RtpPacket
from twistedcam.rtsp.sdp import parse_parameters
from twistedcam.runtime.timer import Timer
from twistedcam.sources.rtsp.connection import RtspConnection
from twistedcam.sources.rtsp.track_receiver import TrackReceiver

_PAIR = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
#: The largest UDP packet.
_MAX_PACKET = 65536
#: Bytes that the kernel keeps for a port: a key frame comes in one burst.
_BUFFER = 4 << 20
#: The most pairs of ports that are tried.
_MAX_TRIES = 30
#: Seconds after which packets behind a missing one are no longer kept.
_PATIENCE = 0.05


class TrackTransport(Protocol):
    """The way in which the packets of one track arrive."""

    #: Follows the camera's name where it refuses this transport.
    refusal: str

    def request(self) -> str:
        """Return the value of the ``Transport`` header of SETUP.

        Raises:
            CameraFailed: there is no port for it.
        """

    def accept(self, header: str) -> None:
        """Take the value of the ``Transport`` header of the response.

        Raises:
            CameraFailed: it cannot be used.
        """

    def send_report(self) -> None:
        """Send a receiver report."""

    def close(self) -> Deferred[Any]:
        """Receive no more; fires when ports are closed."""


class InterleavedTransport:
    """Packets on the connection of the session.

    Arguments:
        connection: of the session.
        receiver: takes the packets.
        number: of the track: 0, 1 …
    """

    refusal = "does not send over TCP, add #transport=udp to the address"

    def __init__(self, connection: RtspConnection, receiver: TrackReceiver, number: int) -> None:
        self._connection = connection
        self._receiver = receiver
        self._channels = (2 * number, 2 * number + 1)

    def request(self) -> str:
        """Ask for two channels that no other track has."""
        receivers = self._connection.receivers
        while any(receivers[each] is not None for each in self._channels):
            self._channels = (self._channels[0] + 2, self._channels[1] + 2)
        return f"RTP/AVP/TCP;unicast;interleaved={self._channels[0]}-{self._channels[1]}"

    def accept(self, header: str) -> None:
        """Use the channels of the response, which may be others."""
        given = parse_parameters(header.partition(",")[0])
        if given and "rtp/avp/tcp" not in given and "interleaved" not in given:
            raise CameraFailed(
                "it sends its packets by UDP though TCP was requested: add #transport=udp to the "
                "address"
            )
        found = _pair(given.get("interleaved", ""))
        if found is not None and max(found) < 256:
            self._channels = found
        receivers = self._connection.receivers
        if any(receivers[each] is not None for each in self._channels):
            raise CameraFailed("it uses one channel for two tracks")
        receivers[self._channels[0]] = self._receiver.receive_rtp
        receivers[self._channels[1]] = self._receiver.receive_rtcp

    def send_report(self) -> None:
        """Send it on the second channel."""
        self._connection.send_packet(self._channels[1], self._receiver.report())

    def close(self) -> Deferred[Any]:
        """Do nothing: the packets end with the connection."""
        return succeed(None)


class UdpTransport:
    """Packets by UDP, on two ports of the address that the connection has.

    Only packets from the camera's address are taken.

    Arguments:
        reactor: the reactor.
        local: the own address of the session's connection.
        peer: the camera's address.
        receiver: takes the packets.
    """

    refusal = "does not send by UDP, remove #transport=udp from the address"

    def __init__(self, reactor: Any, local: str, peer: str, receiver: TrackReceiver) -> None:
        self._reactor = reactor
        self._local = local
        self._peer = peer
        self._receiver = receiver
        self._buffer = ReorderBuffer(most_seconds=_PATIENCE)
        self._wait = Timer(reactor)
        #: The ports of RTP and RTCP.
        self._ports: list[Any] = []
        self._peer_ports: tuple[int, int] | None = None

    def request(self) -> str:
        """Open two ports."""
        for _ in range(_MAX_TRIES):
            if self._open_pair():
                first, second = (port.getHost().port for port in self._ports)
                return f"RTP/AVP;unicast;client_port={first}-{second}"
        raise CameraFailed("no two UDP ports in a row are free on this machine")

    def accept(self, header: str) -> None:
        """Note the camera's ports, and send it a packet from each own: firewalls then let it in."""
        given = parse_parameters(header.partition(",")[0])
        if "rtp/avp/tcp" in given or "interleaved" in given:
            raise CameraFailed(
                "it sends its packets over TCP though UDP was requested: remove #transport=udp "
                "from the address"
            )
        self._peer_ports = _pair(given.get("server_port", ""))
        if self._peer_ports is not None:
            self._write(0, RtpPacket(0, False, 0, 0, 0, b"").encode())
            self.send_report()

    def send_report(self) -> None:
        """Send it to the camera's second port."""
        self._write(1, self._receiver.report())

    def close(self) -> Deferred[Any]:
        """Close the ports."""
        self._wait.cancel()
        ports, self._ports = self._ports, []
        return DeferredList([maybeDeferred(port.stopListening) for port in ports])

    # Called by the ports.

    def rtp_received(self, data: bytes) -> None:
        """Take an RTP packet in its order."""
        receive = self._receiver.receive_rtp
        for packet in self._buffer.push(data, self._reactor.seconds()):
            receive(packet, ((0, len(packet)),))
        if self._buffer.is_waiting:
            self._wait.start_unless_pending(_PATIENCE, self._give_up_waiting)

    def rtcp_received(self, data: bytes) -> None:
        """Take an RTCP packet."""
        self._receiver.receive_rtcp(data, ((0, len(data)),))

    def _give_up_waiting(self) -> None:
        for packet in self._buffer.take(self._reactor.seconds()):
            self._receiver.receive_rtp(packet, ((0, len(packet)),))
        if self._buffer.is_waiting and self._ports:
            self._wait.start(_PATIENCE / 2, self._give_up_waiting)

    def _open_pair(self) -> bool:
        """Open an even port and the next one; return False if they are not free."""
        with socket.socket(_family(self._local), socket.SOCK_DGRAM) as probe:
            probe.bind((self._local, 0))
            first = probe.getsockname()[1] & ~1
        opened: list[Any] = []
        try:
            for port, receive in ((first, self.rtp_received), (first + 1, self.rtcp_received)):
                protocol = _Datagrams(self._peer, receive)
                opened.append(
                    self._reactor.listenUDP(port, protocol, self._local, maxPacketSize=_MAX_PACKET)
                )
        except CannotListenError:
            for port in opened:
                port.stopListening()
            return False
        self._ports = opened
        with suppress(OSError):
            opened[0].socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        return True

    def _write(self, number: int, packet: bytes) -> None:
        if self._peer_ports is not None and self._ports:
            with suppress(OSError):
                self._ports[number].write(packet, (self._peer, self._peer_ports[number]))


class _Datagrams(DatagramProtocol):
    """Passes on what comes from one address."""

    noisy = False

    def __init__(self, peer: str, on_data: Any) -> None:
        self._peer = peer
        self._on_data = on_data

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        """Take a packet of the camera."""
        if addr[0] == self._peer:
            self._on_data(datagram)


def _pair(text: str) -> tuple[int, int] | None:
    match = _PAIR.fullmatch(text.strip())
    if match is None or int(match[1]) > 65534:
        return None
    first = int(match[1])
    return first, int(match[2]) if match[2] else first + 1


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
