"""The fast way out: from a file in memory straight to the socket, with no copy in this process."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPullProducer, IReactorFDSet
from zope.interface import implementer

from twistedcam.delivery import socket_state as kernel
from twistedcam.delivery.memfd import Memfd, as_memfd
from twistedcam.delivery.partial_send import PartialSend
from twistedcam.delivery.sender import Serializer, do_nothing
from twistedcam.delivery.writable import WritableNotifier
from twistedcam.media.frame import Frame


@implementer(IPullProducer)
class SendfileSender:
    """Sends each frame from its memory file to the socket (sendfile(2)); Linux, without TLS.

    One frame at most is in hand, and it starts only when everything before it has left this
    machine's buffers, so that a slow viewer gets the newest picture and never a queue of old ones:

    - ``offer`` gives the kernel as much as it takes. The rest follows when the socket is writable.
    - Before that it asks the kernel for bytes unsent (SIOCOUTQNSD). While there are some, it waits
      for the socket to be writable with a low-water mark of one byte, that is, for there to be
      none. A UNIX socket has no such mark: it is asked again at the next frame.
    - Where no file is to be had for a frame or for waiting, the transport gets the bytes: the
      viewer sees no difference.
    - ``say`` goes through the transport, never into the middle of a frame: behind the rest of the
      frame in hand, and the next frame waits until the transport has nothing left of it.

    The transport keeps the connection, its reading and its end. All is done over public interfaces
    of Twisted: the socket comes from ISystemHandle; waiting is done by the reactor (IReactorFDSet)
    on a duplicate of the descriptor, because the reactor knows the original as the transport's;
    and the transport says that it holds nothing more by asking this, its pull producer, for data.
    To end a connection, ``finish`` first: a transport with a producer waits for it.

    Arguments:
        transport, serializer, on_ready, reactor: see ``choose_sender``.
        sock: the transport's socket (kernel.stream_socket).
    """

    # A server has hundreds of these, and each is looked at for each frame.
    __slots__ = (
        "__weakref__",
        "_done",
        "_fd",
        "_flushing",
        "_free",
        "_holds",
        "_make",
        "_on_ready",
        "_over",
        "_queued_bytes",
        "_rest",
        "_serializer",
        "_socket",
        "_tcp",
        "_transport",
        "_wait",
        "_words",
        "on_flushed",
    )

    path = "sendfile"

    def __init__(
        self,
        transport: Any,
        serializer: Serializer,
        on_ready: Callable[[], None],
        reactor: IReactorFDSet,
        sock: socket.socket,
    ) -> None:
        self._transport = transport
        self._serializer = serializer
        self._make = as_memfd(serializer)
        self._on_ready = on_ready
        self._socket = sock
        self._fd = sock.fileno()
        self._tcp = kernel.is_tcp(sock)
        self._holds = kernel.has_unsent if self._tcp else kernel.has_unread
        self._wait = WritableNotifier(reactor, self._writable)
        #: Whether a frame may start as far as this process knows: nothing in hand, nothing with
        #: the transport. One flag, because it is asked for each viewer and each frame.
        self._free = False
        self._flushing = False
        self._over = False
        #: What is left of the frame in hand.
        self._rest: PartialSend | None = None
        self._words: list[bytes] = []
        #: Bytes that were said and are not with the kernel yet.
        self._queued_bytes = 0
        self.on_flushed: Callable[[], None] = do_nothing
        self._done: Callable[[], None] | None = None
        transport.registerProducer(self, False)

    def is_ready(self) -> bool:
        """Whether nothing is in hand, nothing with the transport, and nothing unsent."""
        if not self._free:
            return False
        if self._holds(self._fd):
            self._wait_until_sent()
            return False
        return True

    def offer(self, frame: Frame, is_caught_up: bool = False) -> int:
        """Give the kernel what it takes of the frame now; the rest follows by itself.

        This is where the server's time goes: two system calls for each frame and viewer, and as
        little beside them as can be. Of a viewer who has said that it has everything, the kernel
        need not be asked.
        """
        if not self._free:
            return 0
        if not is_caught_up and self._holds(self._fd):
            self._wait_until_sent()
            return 0
        try:
            file: Memfd = frame.shared(self._make)
        except OSError:
            message: bytes = frame.shared(self._serializer)
            self._write(message)
            return len(message)
        size = file.size
        try:
            sent = os.sendfile(self._fd, file.fd, 0, size)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.abort()
            return 0
        if sent != size:
            self._keep(file, sent)
        return size

    def begin(self) -> None:
        """Open without a word."""
        self._became_free()

    def send_message(self, data: bytes) -> None:
        """Hand the message to the transport, as soon as no frame is in hand."""
        if self._over:
            return
        self._queued_bytes += len(data)
        if self._rest is not None:
            self._words.append(data)
        else:
            self._write(data)

    def queued_bytes(self) -> int:
        """Messages behind the frame in hand, and those that the transport has not sent yet."""
        return self._queued_bytes

    def unsent_bytes(self) -> int:
        """What is left of the frame in hand, and what the kernel holds."""
        if self._over:
            return 0
        return len(self._rest or b"") + kernel.unacknowledged(self._fd)

    def finish(self, done: Callable[[], None]) -> None:
        """Send what is in hand and was said, and then no more."""
        self._on_ready = lambda: None
        self._done = done
        if self._rest is None:
            self._finished()

    def abort(self) -> None:
        """End the connection."""
        self.close()
        self._transport.abortConnection()

    def close(self) -> None:
        """Let frame, socket and transport go."""
        if self._over:
            return
        self._over = True
        self._free = False
        self._wait.end()
        self._rest = None
        self._words.clear()
        self._on_ready = self.on_flushed = do_nothing
        self._transport.unregisterProducer()

    # The transport's producer calls.

    def resumeProducing(self) -> None:
        """The transport holds nothing."""
        if self._flushing:
            self._flushing = False
            if self._queued_bytes and not self._words:
                self._queued_bytes = 0
                self.on_flushed()
            self._became_free()

    def stopProducing(self) -> None:
        """The connection is gone."""
        self.close()

    # The socket's.

    def _wait_until_sent(self) -> None:
        if self._tcp and self._wait.begin(self._fd):
            self._free = False
            kernel.set_low_water(self._socket, 1)

    def _keep(self, file: Memfd, sent: int) -> None:
        """The kernel took no more than that of a frame."""
        if self._wait.begin(self._fd):
            self._free, self._rest = False, PartialSend(file, sent)
        else:
            self._write(PartialSend(file, sent).read())

    def _writable(self) -> None:
        if self._rest is not None:
            self._send(self._rest)
        elif self._holds(self._fd):
            self._wait.rest()
        else:
            self._wait.end()
            kernel.set_low_water(self._socket, 0)
            self._became_free()

    def _send(self, rest: PartialSend) -> None:
        try:
            if not rest.send(self._fd):
                return
        except BlockingIOError:
            self._wait.rest()
            return
        except OSError:
            self.abort()
            return
        self._rest = None
        self._wait.end()
        words, self._words = self._words, []
        if words:
            self._write(b"".join(words))
        if self._done is not None:
            self._finished()
        elif not words:
            self._became_free()

    def _write(self, data: bytes) -> None:
        self._free = False
        self._flushing = True  # until resumeProducing
        self._transport.write(data)

    def _became_free(self) -> None:
        if self._over or self._flushing or self._rest is not None or self._wait.waits:
            return
        self._free = True
        if self.is_ready():
            self._on_ready()

    def _finished(self) -> None:
        done, self._done = self._done, None
        self.close()
        if done is not None:
            done()
