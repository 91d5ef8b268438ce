"""Half-closed connections, whose clients send no more but may still read.

Examples are ``nc -N``, probes of load balancers, and viewers. A client that has closed the whole
connection looks the same until something is sent to it.
"""

from __future__ import annotations

import contextlib
import select
import socket
from typing import Any

from twisted.internet.interfaces import IReactorTime

from twistedcam.delivery.socket_state import is_tcp, stream_socket
from twistedcam.delivery.transport_sender import lowest_transport
from twistedcam.runtime.timer import Timer

#: Seconds between two checks.
PERIOD = 1.0
#: Seconds of idle time before TCP keepalive probes, and between two of them. With them a client
#: that is gone is detected within about a minute (tcp(7), tcp_fin_timeout).
_KEEPALIVE = 5


class PeerWatch:
    """Closes a half-closed connection when its client is gone.

    A reactor does not notice this while it neither reads nor writes.
    """

    def __init__(self, transport: Any, clock: IReactorTime) -> None:
        self._transport = transport
        self._socket = stream_socket(lowest_transport(transport))
        if self._socket is not None and is_tcp(self._socket):
            _keep_alive(self._socket)
        self._timer = Timer(clock)
        self._timer.start(PERIOD, self._look)

    def end(self) -> None:
        """Stop checking."""
        self._timer.cancel()

    def _look(self) -> None:
        if self._socket is None or not is_gone(self._socket):
            self._timer.start(PERIOD, self._look)
        else:
            self._transport.abortConnection()


def is_gone(sock: socket.socket) -> bool:
    """True if both halves of a connection are closed, or it was reset."""
    number = sock.fileno()
    if number < 0 or not hasattr(select, "poll"):
        return number < 0
    poll = select.poll()
    poll.register(number, 0)  # POLLHUP and POLLERR are always reported
    return any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll(0))


def _keep_alive(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL"):
            if hasattr(socket, name):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), _KEEPALIVE)
