"""Clients that have closed their own half of a connection.

A client that sends no more may still read: ``nc -N``, the probe of a load balancer, a viewer. One
that has closed the whole connection looks the same, until something is sent to it.
"""

from __future__ import annotations

import contextlib
import select
import socket
from typing import Any

from twisted.internet.interfaces import IReactorTime

from twistedcam.delivery.socket_state import is_tcp, stream_socket
from twistedcam.delivery.transport_sender import bottom_of
from twistedcam.runtime.timer import Timer

#: Seconds between two looks.
PERIOD = 1.0
#: Seconds of silence after which the kernel asks whether the client is there, and between two
#: of its questions. A client that is gone is found out within about a minute (tcp(7),
#: tcp_fin_timeout), even if nothing is sent to it.
_KEEPALIVE = 5


class PeerWatch:
    """Ends a half-closed connection when its client turns out to be gone.

    While nothing is read and nothing waits to be written, a reactor does not hear of it.

    Arguments:
        transport: the connection.
        clock: the reactor.
    """

    def __init__(self, transport: Any, clock: IReactorTime) -> None:
        self._transport = transport
        self._socket = stream_socket(bottom_of(transport))
        if self._socket is not None and is_tcp(self._socket):
            _keep_alive(self._socket)
        self._timer = Timer(clock)
        self._timer.start(PERIOD, self._look)

    def end(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _look(self) -> None:
        if self._socket is None or not is_gone(self._socket):
            self._timer.start(PERIOD, self._look)
        else:
            self._transport.abortConnection()


def is_gone(sock: socket.socket) -> bool:
    """Whether both halves of a connection are closed, or it was reset."""
    number = sock.fileno()
    if number < 0 or not hasattr(select, "poll"):
        return number < 0
    poll = select.poll()
    poll.register(number, 0)  # what is asked for here is told in any case
    return any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll(0))


def _keep_alive(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL"):
            if hasattr(socket, name):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), _KEEPALIVE)
