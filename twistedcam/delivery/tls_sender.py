"""A sender over TLS: a frame is cut into records once and encrypted for each viewer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import ISSLTransport, ISystemHandle, IWriteDescriptor

from twistedcam.delivery.memfd import shared_by_functions
from twistedcam.delivery.sender import Serializer
from twistedcam.delivery.transport_sender import TransportSender, lowest_transport
from twistedcam.media.packet import Packet

#: The maximum length of a record's plain text (RFC 8446, section 5.1).
RECORD = 2**14
#: More than the length of an encrypted record.
_READ = 2**15


def tls_connection(transport: Any) -> SSL.Connection | None:
    """Return the connection that encrypts for a transport.

    None without TLS, or if the transport under TLS cannot write at once.
    """
    if not ISSLTransport.providedBy(transport) or not ISystemHandle.providedBy(transport):
        return None
    connection = transport.getHandle()
    writes = IWriteDescriptor.providedBy(lowest_transport(transport))
    return connection if writes and isinstance(connection, SSL.Connection) else None


def split_records(data: bytes) -> list[bytes]:
    """Return the bytes in pieces that each fill a record."""
    return [data[at : at + RECORD] for at in range(0, len(data), RECORD)]


@shared_by_functions
def as_records(serializer: Serializer) -> Callable[[Packet], list[bytes]]:
    """Return a function for ``frame.shared`` that cuts the serialized frame into records."""

    def make(frame: Packet) -> list[bytes]:
        return split_records(serializer(frame))

    return make


class TlsSender(TransportSender):
    """Encrypts each frame for its viewer record by record, and writes it to the socket at once.

    Twisted's TLS cuts a frame again for each viewer, copies it into a buffer for small writes, and
    sends it in the next iteration of the reactor. By then hundreds of other frames have been
    encrypted, and it is no longer in the processor's cache. Here it goes to the kernel at once.

    This depends on two details of Twisted. The connection that encrypts is the transport's handle,
    which is documented for inspecting certificates. And Twisted's own buffer for small writes must
    not be overtaken, so nothing is written before it is empty, which is in the next iteration of
    the reactor after the last write to it; until then messages wait here. Records go through the
    transport under TLS, so that they keep their order with those that TLS sends by itself. After
    an error of the encryption, ``transport.write`` is used, which handles that error.

    Arguments:
        transport, serializer, on_ready, reactor: see ``choose_sender``.
        connection: see ``tls_connection``.
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
        self._make = as_records(serializer)
        self._connection = connection
        self._lowest = lowest_transport(transport)
        #: True while records are made here; else the transport makes them.
        self._encrypts = True
        #: True during a write, whose caller handles a resumeProducing that it causes.
        self._is_writing = False
        #: Messages that wait until Twisted's buffer is empty; None when it is.
        self._messages: list[bytes] | None = []
        self._start = reactor.callLater(0, self._started)

    def is_ready(self) -> bool:
        return self._messages is None and super().is_ready()

    def offer(self, frame: Packet, is_caught_up: bool = False) -> int:
        """Encrypt and write the frame, if the transport has not paused this producer."""
        if not self.is_ready():
            return 0
        pieces: list[bytes] = frame.shared(self._make)
        self._write(pieces)
        return sum(map(len, pieces))

    def send_message(self, data: bytes) -> None:
        """Encrypt and write the message, after what was written before."""
        self._count(data)
        if self._messages is not None:
            self._messages.append(data)
        else:
            self._write(split_records(data))

    def close(self) -> None:
        """Release the transport, which gets the messages that still wait."""
        if self._messages is not None:
            messages, self._messages = self._messages, None
            self._start.cancel()
            for message in messages:
                self._transport.write(message)
        super().close()

    def resumeProducing(self) -> None:
        """Continue: the transport's buffer is empty."""
        if self._is_writing:
            self._paused = self._closed
        else:
            super().resumeProducing()

    def _started(self) -> None:
        messages, self._messages = self._messages or [], None
        if messages:
            self._write(split_records(b"".join(messages)))
        if self.is_ready():
            self._on_ready()

    def _write(self, pieces: Sequence[bytes]) -> None:
        """Encrypt and send; the transport sends later what the socket does not take now."""
        if not self._encrypts:
            self._transport.write(b"".join(pieces))
            return
        encrypt, read = self._connection.send, self._connection.bio_read
        records: list[bytes] = []
        rest: list[bytes] = []
        for number, piece in enumerate(pieces):
            try:
                while piece:  # more than once if the viewer has asked for small records
                    piece = piece[encrypt(piece) :]
                    records.append(read(_READ))
            except SSL.Error:
                self._encrypts = False
                rest = [piece, *pieces[number + 1 :]]
                break
        self._is_writing = True
        self._lowest.writeSequence(records)
        self._lowest.doWrite()
        self._is_writing = False
        if not self._paused:
            self._flushed()
        if rest:
            self._transport.write(b"".join(rest))
