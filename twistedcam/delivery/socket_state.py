"""The number of bytes that the kernel holds for a socket, and its low-water mark."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

from twisted.internet.interfaces import ISSLTransport, ISystemHandle

#: True if a memory file can be sent to a socket without a copy.
HAS_SENDFILE = sys.platform == "linux" and hasattr(os, "memfd_create")

_SIOCOUTQ = 0x5411  # bytes that the peer has not acknowledged: linux/sockios.h, tcp(7), unix(7)
_SIOCOUTQNSD = 0x894B  # bytes that have not been sent at all; TCP only
_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", None)


def stream_socket(transport: Any) -> socket.socket | None:
    """Return the stream socket of a transport; None if there is none, or with TLS."""
    if ISSLTransport.providedBy(transport) or getattr(transport, "TLS", False):
        return None
    if not ISystemHandle.providedBy(transport):
        return None
    handle = transport.getHandle()
    if isinstance(handle, socket.socket) and handle.type == socket.SOCK_STREAM:
        return handle
    return None


def is_tcp(sock: socket.socket) -> bool:
    """True for a TCP socket, False for a UNIX socket."""
    return sock.family in (socket.AF_INET, socket.AF_INET6)


def set_low_water(sock: socket.socket, size: int) -> None:
    """Report the socket as writable only while fewer than ``size`` bytes are unsent; 0: as usual.

    tcp(7), TCP_NOTSENT_LOWAT. Does nothing if the system has no such option.
    """
    if _LOWAT is not None and is_tcp(sock):
        sock.setsockopt(socket.IPPROTO_TCP, _LOWAT, size)


if HAS_SENDFILE:
    from fcntl import ioctl

    _answer = bytearray(4)  # one for all calls, which are all made on the reactor's thread
    _NOTHING = bytes(4)

    def has_unsent(fd: int) -> bool:
        """True if a TCP socket has bytes that were not sent at all."""
        ioctl(fd, _SIOCOUTQNSD, _answer)
        return _answer != _NOTHING

    def has_unread(fd: int) -> bool:
        """True if a UNIX socket has bytes that the peer has not read."""
        ioctl(fd, _SIOCOUTQ, _answer)
        return _answer != _NOTHING

    def unacknowledged(fd: int) -> int:
        """Return the bytes that the peer's kernel (TCP) or the peer (UNIX) has not received."""
        ioctl(fd, _SIOCOUTQ, _answer)
        return int.from_bytes(_answer, sys.byteorder)

else:  # pragma: no cover - the senders that call these exist on Linux only

    def has_unsent(fd: int) -> bool:
        return False

    has_unread = has_unsent

    def unacknowledged(fd: int) -> int:
        return 0
