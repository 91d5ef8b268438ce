"""Watches that close connections of clients that do not read, or are gone after a half-close."""

from __future__ import annotations

import contextlib
import select
import socket
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.delivery.socket_state import is_tcp, stream_socket, unacknowledged
from twistedcam.delivery.transport_sender import lowest_transport
from twistedcam.net.addresses import show_address
from twistedcam.runtime.timer import Timer

log = Logger()

#: Seconds without a byte read after which a connection is closed. The limit is longer than for
#: viewers, because a paused player reads nothing, and one with a large buffer reads seldom.
STALL_LIMIT = 60.0
#: Seconds between two checks.
PERIOD = 5.0
#: Seconds between two checks of a half-closed connection.
PEER_PERIOD = 1.0
#: Seconds of idle time before TCP keepalive probes, and between two of them. With them a client
#: that is gone is detected within about a minute (tcp(7), tcp_fin_timeout).
_KEEPALIVE = 5


class StallWatch:
    """Closes a connection whose client does not read what was written.

    A transport knows only what the kernel has taken, which can be megabytes more than the client
    has read, so the kernel is asked. On systems without that, a full transport is the sign.
    """

    __slots__ = (
        "_clock",
        "_emptied",
        "_is_full",
        "_seen",
        "_since",
        "_socket",
        "_timer",
        "_transport",
    )

    def __init__(self, transport: Any, clock: IReactorTime) -> None:
        self._transport = transport
        self._socket = stream_socket(lowest_transport(transport))
        self._clock = clock
        self._is_full = False
        #: How often the transport has become empty; the last state, and the time of its change.
        self._emptied = 0
        self._seen = (0, 0)
        self._since = 0.0
        self._timer = Timer(clock)

    def wrote(self) -> None:
        """Start checking: data was written."""
        if not self._timer.is_pending:
            self._seen, self._since = self._state(), self._clock.seconds()
            self._timer.start(PERIOD, self._look)

    def filled(self) -> None:
        """The buffer of the transport is full."""
        self._is_full = True
        self.wrote()

    def emptied(self) -> None:
        """The buffer of the transport is empty."""
        self._is_full = False
        self._emptied += 1

    def unread(self) -> int:
        """Return the bytes that the client has not acknowledged; 0 if the system cannot say."""
        number = -1 if self._socket is None else self._socket.fileno()
        return unacknowledged(number) if number >= 0 else 0

    def end(self) -> None:
        """Stop checking."""
        self._timer.cancel()

    def _state(self) -> tuple[int, int]:
        return self._emptied, self.unread()

    def _look(self) -> None:
        state, now = self._state(), self._clock.seconds()
        if not self._is_full and not state[1]:
            return
        if state != self._seen:
            self._seen, self._since = state, now
        elif now - self._since >= STALL_LIMIT:
            log.info(
                "{peer} has not read for {limit:g} s: the connection is closed",
                peer=show_address(self._transport.getPeer()),
                limit=STALL_LIMIT,
            )
            self._transport.abortConnection()
            return
        self._timer.start(PERIOD, self._look)


class PeerWatch:
    """Closes a half-closed connection when its client is gone.

    The client may still read, as ``nc -N``, probes of load balancers and viewers do. One that has
    closed the whole connection looks the same until something is sent to it, and a reactor does not
    notice that while it neither reads nor writes.
    """

    def __init__(self, transport: Any, clock: IReactorTime) -> None:
        self._transport = transport
        self._socket = stream_socket(lowest_transport(transport))
        if self._socket is not None and is_tcp(self._socket):
            _keep_alive(self._socket)
        self._timer = Timer(clock)
        self._timer.start(PEER_PERIOD, self._look)

    def end(self) -> None:
        """Stop checking."""
        self._timer.cancel()

    def _look(self) -> None:
        if self._socket is None or not is_gone(self._socket):
            self._timer.start(PEER_PERIOD, self._look)
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
