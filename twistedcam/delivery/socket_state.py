"""What the kernel holds for a socket, and when it should say that it holds nothing any more."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

from twisted.internet.interfaces import ISSLTransport, ISystemHandle

#: Whether a file in memory can be sent to a socket without a copy.
HAS_SENDFILE = sys.platform == "linux" and hasattr(os, "memfd_create")

_SIOCOUTQ = 0x5411  # bytes that the peer has not acknowledged: linux/sockios.h, tcp(7), unix(7)
_SIOCOUTQNSD = 0x894B  # bytes that have not been sent at all; TCP alone
_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", None)


def stream_socket(transport: Any) -> socket.socket | None:
    """The plain stream socket under a transport; None under TLS, or where there is none."""
    if ISSLTransport.providedBy(transport) or getattr(transport, "TLS", False):
        return None
    if not ISystemHandle.providedBy(transport):
        return None
    handle = transport.getHandle()
    if isinstance(handle, socket.socket) and handle.type == socket.SOCK_STREAM:
        return handle
    return None


def is_tcp(sock: socket.socket) -> bool:
    """Whether it is a TCP socket, and not one in the file system."""
    return sock.family in (socket.AF_INET, socket.AF_INET6)


def set_low_water(sock: socket.socket, size: int) -> None:
    """Call the socket writable only while fewer than ``size`` bytes are unsent; 0: as usual.

    tcp(7), TCP_NOTSENT_LOWAT. Does nothing where the system has no such option.
    """
    if _LOWAT is not None and is_tcp(sock):
        sock.setsockopt(socket.IPPROTO_TCP, _LOWAT, size)


if HAS_SENDFILE:
    from fcntl import ioctl

    _answer = bytearray(4)  # one for all: asked on the reactor's thread alone
    _NOTHING = bytes(4)

    def has_unsent(fd: int) -> bool:
        """Whether a TCP socket has bytes that have not been sent at all."""
        ioctl(fd, _SIOCOUTQNSD, _answer)
        return _answer != _NOTHING

    def has_unread(fd: int) -> bool:
        """Whether a UNIX socket has bytes that the other program has not read."""
        ioctl(fd, _SIOCOUTQ, _answer)
        return _answer != _NOTHING

    def unacknowledged(fd: int) -> int:
        """Bytes that the other kernel has not taken (TCP), or the other program not read (UNIX)."""
        ioctl(fd, _SIOCOUTQ, _answer)
        return int.from_bytes(_answer, sys.byteorder)

else:  # pragma: no cover - only Linux tells these, and without them nothing asks

    def has_unsent(fd: int) -> bool:
        """Not known here."""
        return False

    def has_unread(fd: int) -> bool:
        """Not known here."""
        return False

    def unacknowledged(fd: int) -> int:
        """Not known here."""
        return 0
