"""A sender that sends the datagrams of each packet to one address."""

from __future__ import annotations

import errno
import socket
import struct
import sys
from collections.abc import Callable
from typing import Protocol

from twistedcam.delivery.sender import do_nothing
from twistedcam.media.packet import Packet
from twistedcam.rtsp.rtp_frame import Run

#: The option that makes the kernel cut a buffer into datagrams (udp(7), UDP_SEGMENT).
_SOL_UDP, _UDP_SEGMENT = 17, 103
_SIZE = struct.Struct("=H")
#: Errors after which the kernel, or the interface, is taken to have no such option.
_NO_SEGMENTS = (errno.EINVAL, errno.EIO, errno.ENOPROTOOPT, errno.EOPNOTSUPP, errno.EMSGSIZE)
#: Errors that mean a full queue: this picture is lost, the next may not be.
_FULL = (errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM)

#: Host and port, as the kernel gives them.
Address = tuple[str, int]


class DatagramForm(Protocol):
    """The datagrams of a packet: of its RtpFrame, or as a worker gets them."""

    report: bytes

    @property
    def runs(self) -> list[Run]:
        """The datagrams in buffers, each with the size at which the kernel cuts it."""


class DatagramSockets:
    """The sockets that datagrams are sent from, which all viewers at a local address share.

    Arguments:
        rtp, rtcp: UDP sockets that do not block.
    """

    def __init__(self, rtp: socket.socket, rtcp: socket.socket) -> None:
        self.rtp = rtp
        self.rtcp = rtcp
        #: False once the kernel has refused to cut buffers into datagrams. Only Linux does that.
        self.cuts_buffers = sys.platform == "linux"

    def send_rtcp(self, data: bytes, address: Address) -> None:
        """Send an RTCP packet, if the kernel takes it."""
        try:
            self.rtcp.sendto(data, address)
        except OSError:
            return  # the next report replaces it

    def send_run(self, buffer: bytes, step: int, address: Address) -> None:
        """Send the datagrams of a buffer.

        Raises:
            OSError: the kernel is full, or the address cannot be reached.
        """
        if len(buffer) <= step:
            self.rtp.sendto(buffer, address)
            return
        if self.cuts_buffers:
            try:
                option = (_SOL_UDP, _UDP_SEGMENT, _SIZE.pack(step))
                self.rtp.sendmsg([buffer], [option], 0, address)
                return
            except OSError as error:
                if error.errno not in _NO_SEGMENTS:
                    raise
                self.cuts_buffers = False
        for at in range(0, len(buffer), step):
            self.rtp.sendto(buffer[at : at + step], address)


class UdpSender:
    """Sends a track to one address (delivery.sender.Sender).

    Arguments:
        sockets: where the datagrams come from.
        rtp, rtcp: where they go.
        form: returns the datagrams of a packet, for ``packet.shared``.
        on_abort: called when the address cannot be reached.
    """

    path = "udp"

    def __init__(
        self,
        sockets: DatagramSockets,
        rtp: Address,
        rtcp: Address,
        form: Callable[[Packet], DatagramForm],
        on_abort: Callable[[], None] = do_nothing,
    ) -> None:
        self._sockets = sockets
        self._rtp = rtp
        self._rtcp = rtcp
        self._form = form
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
        made: DatagramForm = frame.shared(self._form)
        sockets, address, size = self._sockets, self._rtp, 0
        if made.report:
            sockets.send_rtcp(made.report, self._rtcp)
        try:
            for buffer, step in made.runs:
                sockets.send_run(buffer, step, address)
                size += len(buffer)
        except OSError as error:
            if error.errno in _FULL:
                return 0
            raise
        return size

    def open(self) -> None:
        """Do nothing: there is no order to keep."""

    def send_message(self, data: bytes) -> None:
        """Send an RTCP packet."""
        self._sockets.send_rtcp(data, self._rtcp)

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
