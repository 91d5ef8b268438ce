"""RTP over UDP: the ports that all sessions share, and the sender of one track of a viewer."""

from __future__ import annotations

import errno
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol

from twistedcam.delivery.sender import do_nothing
from twistedcam.errors import TooMany
from twistedcam.media.packet import Packet
from twistedcam.servers.rtsp.rtp_stream import RtpFrame, rtp_frame

#: Attempts to find two free ports next to each other.
_ATTEMPTS = 50
#: The option that makes the kernel cut a buffer into datagrams (udp(7), UDP_SEGMENT).
_SOL_UDP, _UDP_SEGMENT = 17, 103
_SIZE = struct.Struct("=H")
#: Errors after which the kernel, or the interface, is taken to have no such option.
_NO_SEGMENTS = (errno.EINVAL, errno.EIO, errno.ENOPROTOOPT, errno.EOPNOTSUPP, errno.EMSGSIZE)
#: Errors that mean a full queue: this picture is lost, the next may not be.
_FULL = (errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM)
#: Bytes that wait in the kernel to be sent, if the system allows as many.
_SEND_BUFFER = 1 << 20

#: Host and port, as the kernel gives them.
Address = tuple[str, int]


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
        #: False once the kernel has refused to cut buffers into datagrams. Only Linux does that.
        self.cuts_buffers = sys.platform == "linux"
        self._ports = _open_pair(reactor, host)
        self._rtcp: _Port = self._ports[1].protocol
        self.socket: socket.socket = self._ports[0].getHandle()
        self._rtcp_socket: socket.socket = self._ports[1].getHandle()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)

    @property
    def numbers(self) -> tuple[int, int]:
        """The ports of RTP and RTCP."""
        rtp: int = self.socket.getsockname()[1]
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

    def send_rtcp(self, data: bytes, address: Address) -> None:
        """Send an RTCP packet, if the kernel takes it."""
        try:
            self._rtcp_socket.sendto(data, address)
        except OSError:
            return  # the next report replaces it

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


class UdpSender:
    """Sends a track to one address (delivery.sender.Sender).

    The kernel cuts the datagrams of a picture out of one buffer (UDP_SEGMENT), if it can.

    Arguments:
        ports: where the datagrams come from.
        rtp, rtcp: where they go.
        on_abort: called when the address cannot be reached.
    """

    path = "udp"

    def __init__(
        self,
        ports: UdpPorts,
        rtp: Address,
        rtcp: Address,
        on_abort: Callable[[], None] = do_nothing,
    ) -> None:
        self._ports = ports
        self._socket = ports.socket
        self._rtp = rtp
        self._rtcp = rtcp
        self._on_abort = on_abort
        self._is_closed = False
        self.on_flushed: Callable[[], None] = do_nothing

    def is_ready(self) -> bool:
        """True until it is closed: nothing waits in this process."""
        return not self._is_closed

    def offer(self, frame: Packet, is_caught_up: bool = False) -> int:
        """Send the datagrams of a packet; return their bytes, or 0 if the kernel is full.

        Raises:
            OSError: the address cannot be reached.
        """
        if self._is_closed:
            return 0
        made: RtpFrame = frame.shared(rtp_frame)
        if made.report:
            self._ports.send_rtcp(made.report, self._rtcp)
        size = 0
        try:
            if self._ports.cuts_buffers:
                for buffer, step in made.runs:
                    self._send(buffer, step)
                    size += len(buffer)
            else:
                for packet in made.packets:
                    self._socket.sendto(packet, self._rtp)
                    size += len(packet)
        except OSError as error:
            if error.errno in _FULL:
                return 0
            raise
        return size

    def open(self) -> None:
        """Do nothing: there is no order to keep."""

    def send_message(self, data: bytes) -> None:
        """Send an RTCP packet."""
        self._ports.send_rtcp(data, self._rtcp)

    def queued_bytes(self) -> int:
        """Return 0: nothing is queued in this process."""
        return 0

    def unsent_bytes(self) -> int:
        """Return 0: the kernel sends datagrams by itself."""
        return 0

    def finish(self, done: Callable[[], None]) -> None:
        self.close()
        done()

    def abort(self) -> None:
        if not self._is_closed:
            self.close()
            self._on_abort()

    def close(self) -> None:
        self._is_closed = True

    def _send(self, buffer: bytes, step: int) -> None:
        if len(buffer) <= step:
            self._socket.sendto(buffer, self._rtp)
            return
        try:
            option = (_SOL_UDP, _UDP_SEGMENT, _SIZE.pack(step))
            self._socket.sendmsg([buffer], [option], 0, self._rtp)
        except OSError as error:
            if error.errno not in _NO_SEGMENTS:
                raise
            self._ports.cuts_buffers = False
            for at in range(0, len(buffer), step):
                self._socket.sendto(buffer[at : at + step], self._rtp)
