"""The fast way out: from a file in memory straight to the socket, with no copy in this process."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPullProducer, IReactorFDSet
from zope.interface import implementer

from twistedcam.delivery.kernel import is_tcp, set_low_water, unacknowledged, unsent
from twistedcam.delivery.memory import MemoryFile, in_memory
from twistedcam.delivery.outlet import Framing
from twistedcam.delivery.wait import WritableWait
from twistedcam.frame import Frame


@implementer(IPullProducer)
class SendfileOutlet:
    """Sends each frame from its memory file to the socket (sendfile(2)); Linux, without TLS.

    One frame at most is in hand, and it starts only when everything before it has left this
    machine's buffers, so that a slow viewer gets the newest picture and never a queue of old ones:

    - ``send`` gives the kernel as much as it takes. The rest follows when the socket is writable.
    - ``is_clear`` asks the kernel for bytes unsent (SIOCOUTQNSD). While there are some, it waits
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

    Any wire can use it: ``framing`` gives a frame as bytes, made once and shared by all viewers.
    Over HTTP the transport is ``request.channel.transport``, without its producer. What was written
    to it before (the response's headers) need not be known here, since the outlet only opens when
    its first ``say`` has left the transport.

    Arguments:
        transport: the connection.
        framing: the form of a frame on this wire.
        cleared: called when the way has become clear again.
        reactor: what waits for the socket.
        sock: the transport's socket (kernel.stream_socket).
    """

    path = "sendfile"

    def __init__(
        self,
        transport: Any,
        framing: Framing,
        cleared: Callable[[], None],
        reactor: IReactorFDSet,
        sock: socket.socket,
    ) -> None:
        self._transport = transport
        self._framing = framing
        self._make = in_memory(framing)
        self._cleared = cleared
        self._socket = sock
        self._fd = sock.fileno()
        self._tcp = is_tcp(sock)
        self._waiting = unsent if self._tcp else unacknowledged
        self._wait = WritableWait(reactor, self._writable)
        #: Whether a frame may start as far as this process knows: nothing in hand, nothing with
        #: the transport. One flag, because it is asked for each viewer and each frame.
        self._free = False
        self._flushing = False
        self._over = False
        self._file: MemoryFile | None = None
        self._offset = 0
        self._words: list[bytes] = []
        self._done: Callable[[], None] | None = None
        transport.registerProducer(self, False)

    def is_clear(self) -> bool:
        """Whether nothing is in hand, nothing with the transport, and nothing unsent."""
        if not self._free:
            return False
        if not self._waiting(self._fd):
            return True
        if self._tcp and self._wait.begin(self._fd):
            self._free = False
            set_low_water(self._socket, 1)
        return False

    def send(self, frame: Frame) -> int:
        """Give the kernel what it takes of the frame now; the rest follows by itself."""
        try:
            file: MemoryFile = frame.shared(self._make)
        except OSError:
            message: bytes = frame.shared(self._framing)
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
        if sent < size:
            if self._wait.begin(self._fd):
                self._free = False
                self._file, self._offset = file, sent
            else:
                self._write(os.pread(file.fd, size - sent, sent))
        return size

    def begin(self) -> None:
        """Open without a word."""
        self._became_free()

    def say(self, data: bytes) -> None:
        """Hand the message to the transport, as soon as no frame is in hand."""
        if self._file is not None:
            self._words.append(data)
        elif not self._over:
            self._write(data)

    def held(self) -> int:
        """What is left of the frame in hand, and what the kernel holds."""
        if self._over:
            return 0
        rest = self._file.size - self._offset if self._file is not None else 0
        return rest + unacknowledged(self._fd)

    def finish(self, done: Callable[[], None]) -> None:
        """Send what is in hand and was said, and then no more."""
        self._cleared = lambda: None
        self._done = done
        if self._file is None:
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
        self._file = None
        self._words.clear()
        self._transport.unregisterProducer()

    # The transport's producer calls.

    def resumeProducing(self) -> None:
        """The transport holds nothing."""
        if self._flushing:
            self._flushing = False
            self._became_free()

    def stopProducing(self) -> None:
        """The connection is gone."""
        self.close()

    # The socket's.

    def _writable(self) -> None:
        if self._file is None:  # it was waited for the last unsent byte
            self._wait.end()
            set_low_water(self._socket, 0)
            self._became_free()
            return
        try:
            rest = self._file.size - self._offset
            self._offset += os.sendfile(self._fd, self._file.fd, self._offset, rest)
        except BlockingIOError:
            return
        except OSError:
            self.abort()
            return
        if self._offset < self._file.size:
            return
        self._file = None
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
        if self._over or self._flushing or self._file is not None or self._wait.waits:
            return
        self._free = True
        if self.is_clear():
            self._cleared()

    def _finished(self) -> None:
        done, self._done = self._done, None
        self.close()
        if done is not None:
            done()
