"""A sender over TLS: a frame is cut into records once and encrypted for each viewer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import ISSLTransport, ISystemHandle, IWriteDescriptor

from twistedcam.delivery.sender import Serializer
from twistedcam.delivery.transport_sender import TransportSender, bottom_of
from twistedcam.media.frame import Frame

#: The most that one record can hold (RFC 8446, section 5.1).
RECORD = 2**14
#: More than a record that is sealed.
_READ = 2**15


def tls_connection(transport: Any) -> SSL.Connection | None:
    """What seals for a transport; None where there is no TLS, or nothing to write to at once."""
    if not ISSLTransport.providedBy(transport) or not ISystemHandle.providedBy(transport):
        return None
    connection = transport.getHandle()
    if isinstance(connection, SSL.Connection) and IWriteDescriptor.providedBy(bottom_of(transport)):
        return connection
    return None


def split_records(data: bytes) -> list[bytes]:
    """Bytes in pieces that each fill a record."""
    return [data[at : at + RECORD] for at in range(0, len(data), RECORD)]


@cache
def as_records(serializer: Serializer) -> Callable[[Frame], list[bytes]]:
    """Gives a frame in that form, cut into records; for ``frame.shared``."""

    def make(frame: Frame) -> list[bytes]:
        return split_records(serializer(frame))

    return make


class TlsSender(TransportSender):
    """Seals each frame for its viewer, record by record, and writes it to the socket at once.

    Twisted's TLS cuts a frame anew for each viewer, copies it into a buffer for small writes, and
    sends it in the reactor's next turn, when hundreds of others have been sealed in between and
    it has left the processor's cache. Here it goes from the seal to the kernel.

    It reaches under Twisted in two places. The connection that seals is the transport's handle,
    which is documented for looking at certificates. And because Twisted's own buffer for small
    writes would be overtaken, nothing is written before it has been emptied, which is in the
    reactor's next turn after what was last written to it: until then words wait here. Records go
    through the transport under TLS, so that those that TLS sends of its own accord keep their
    place. A connection on which sealing fails goes on by ``transport.write``, which knows what to
    do about it.

    Arguments:
        transport, serializer, on_ready, reactor: see ``choose_sender``.
        connection: what seals (``tls_connection``).
    """

    def __init__(
        self,
        transport: Any,
        serializer: Serializer,
        on_ready: Callable[[], None],
        reactor: Any,
        connection: SSL.Connection,
    ) -> None:
        super().__init__(transport, serializer, on_ready)
        self._pieces = as_records(serializer)
        self._connection = connection
        self._bottom = bottom_of(transport)
        #: Whether records are made here; else the transport makes them.
        self._seals = True
        #: Whether something is being written: what clears the way then clears it for the next.
        self._is_writing = False
        #: What waits until Twisted's buffer is empty; None: it is.
        self._words: list[bytes] | None = []
        self._start = reactor.callLater(0, self._started)

    def is_ready(self) -> bool:
        """Whether the transport has asked for no pause."""
        return self._words is None and super().is_ready()

    def offer(self, frame: Frame, is_caught_up: bool = False) -> int:
        """Seal the frame and write it, if the transport has asked for no pause."""
        if not self.is_ready():
            return 0
        pieces: list[bytes] = frame.shared(self._pieces)
        self._write(pieces)
        return sum(map(len, pieces))

    def send_message(self, data: bytes) -> None:
        """Seal the message and write it, behind what was written before."""
        self._count(data)
        if self._words is not None:
            self._words.append(data)
        else:
            self._write(split_records(data))

    def close(self) -> None:
        """Let the transport go, with the words that still wait: it puts them in order itself."""
        if self._words is not None:
            words, self._words = self._words, None
            self._start.cancel()
            for each in words:
                self._transport.write(each)
        super().close()

    def resumeProducing(self) -> None:
        """The transport holds nothing."""
        if self._is_writing:
            self._paused = not self._open
        else:
            super().resumeProducing()

    def _started(self) -> None:
        words, self._words = self._words or [], None
        if words:
            self._write(split_records(b"".join(words)))
        if self.is_ready():
            self._on_ready()

    def _write(self, pieces: Sequence[bytes]) -> None:
        """Seal and send; what the socket does not take now follows by itself."""
        if not self._seals:
            self._transport.write(b"".join(pieces))
            return
        seal, read = self._connection.send, self._connection.bio_read
        records: list[bytes] = []
        rest: list[bytes] = []
        for number, piece in enumerate(pieces):
            try:
                while piece:  # more than once for a viewer who has asked for small records
                    piece = piece[seal(piece) :]
                    records.append(read(_READ))
            except SSL.Error:
                self._seals = False
                rest = [piece, *pieces[number + 1 :]]
                break
        self._is_writing = True
        self._bottom.writeSequence(records)
        self._bottom.doWrite()
        self._is_writing = False
        if not self._paused:
            self._flushed()
        if rest:
            self._transport.write(b"".join(rest))
