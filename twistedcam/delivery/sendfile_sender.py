"""A sender that gives the kernel each packet at once, a large one as a memory file."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPullProducer, IReactorFDSet
from zope.interface import implementer

from twistedcam.delivery import socket_state
from twistedcam.delivery.memfd import Memfd, SendableForm, as_sendable
from twistedcam.delivery.sender import Serializer, do_nothing
from twistedcam.delivery.writable import WritableNotifier
from twistedcam.media.packet import Packet


class PartialSend:
    """The part of a packet that the kernel has not taken yet.

    Arguments:
        form: the packet in its wire form.
        sent: the number of bytes that the kernel has.
    """

    __slots__ = ("_form", "_sent")

    def __init__(self, form: bytes | Memfd, sent: int) -> None:
        self._form = form
        self._sent = sent

    def __len__(self) -> int:
        form = self._form
        return (len(form) if isinstance(form, bytes) else form.size) - self._sent

    def send(self, fd: int) -> bool:
        """Send as much as the socket takes now. Return True if that was all.

        Raises:
            BlockingIOError: the socket takes nothing now.
            OSError: the connection is lost.
        """
        form = self._form
        if isinstance(form, bytes):
            self._sent += os.write(fd, memoryview(form)[self._sent :])
        else:
            self._sent += os.sendfile(fd, form.fd, self._sent, len(self))
        return not len(self)

    def read(self) -> bytes:
        """Return all of it."""
        form = self._form
        if isinstance(form, bytes):
            return form[self._sent :]
        return os.pread(form.fd, len(self), self._sent)


@implementer(IPullProducer)
class SendfileSender:
    """Sends each frame to the socket in one call, if it takes all of it. Linux, without TLS.

    At most one frame is being sent, and it starts only when everything before it has left this
    machine's buffers, so that a slow viewer gets the newest frame and never a queue of old ones:

    - ``offer`` gives the kernel as much as it takes: a frame of 32 KB or more with sendfile(2), a
      smaller one, or one for a few viewers, with send(2), because copies take less time than a
      memory file. The rest follows when the socket is writable.
    - Before that it asks the kernel for the number of unsent bytes (SIOCOUTQNSD). If there are
      any, it sets a low-water mark of one byte and waits until the socket is writable, that is,
      until nothing is unsent. A UNIX socket has no such mark; it is asked again at the next frame.
    - If no file descriptor is available, the transport sends the bytes.
    - Messages go through the transport: after the frame that is being sent, and the next frame
      waits until the transport has sent them.

    The transport keeps the connection, reads from it and closes it. Only public interfaces of
    Twisted are used: the socket comes from ISystemHandle; the reactor (IReactorFDSet) waits for a
    duplicate of the descriptor, because it knows the original as the transport's; and the transport
    reports that its buffer is empty by asking this pull producer for data. A transport with a
    producer does not close the connection: call ``finish`` first.

    Arguments:
        transport, serializer, on_ready, reactor: see ``choose_sender``.
        sock: the transport's socket (``socket_state.stream_socket``).
    """

    # A server has hundreds of these, and uses each of them for each frame.
    __slots__ = (
        "__weakref__",
        "_closed",
        "_done",
        "_fd",
        "_flushing",
        "_has_unsent",
        "_is_released",
        "_is_tcp",
        "_make",
        "_messages",
        "_notifier",
        "_on_ready",
        "_partial",
        "_queued_bytes",
        "_ready",
        "_serializer",
        "_socket",
        "_transport",
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
        self._make: SendableForm = as_sendable(serializer)
        self._make.senders += 1
        self._on_ready = on_ready
        self._socket = sock
        self._fd = sock.fileno()
        self._is_tcp = socket_state.is_tcp(sock)
        self._has_unsent = socket_state.has_unsent if self._is_tcp else socket_state.has_unread
        self._notifier = WritableNotifier(reactor, self._on_writable)
        #: True if, as far as this process knows, a frame may start: no frame is being sent, and the
        #: transport's buffer is empty. One flag, because it is read for each viewer and frame.
        self._ready = False
        self._flushing = False
        self._closed = False
        #: The rest of the frame that is being sent.
        self._partial: PartialSend | None = None
        self._messages: list[bytes] = []
        #: Bytes of messages that the kernel does not have yet.
        self._queued_bytes = 0
        self.on_flushed: Callable[[], None] = do_nothing
        self._done: Callable[[], None] | None = None
        #: True if the transport has to send its buffer, too, before ``_done`` is called.
        self._is_released = False
        transport.registerProducer(self, False)

    def is_ready(self) -> bool:
        """True if neither this process nor the kernel has unsent bytes."""
        if not self._ready:
            return False
        if self._has_unsent(self._fd):
            self._wait_until_sent()
            return False
        return True

    def offer(self, frame: Packet, is_caught_up: bool = False) -> int:
        """Give the kernel as much of the frame as it takes now; the rest follows by itself.

        Most of the server's time is spent here: two system calls for each frame and viewer, and as
        little else as possible. If the viewer has everything, the kernel need not be asked.
        """
        if not self._ready:
            return 0
        if not is_caught_up and self._has_unsent(self._fd):
            self._wait_until_sent()
            return 0
        try:
            form: bytes | Memfd = frame.shared(self._make)
        except OSError:
            message: bytes = frame.shared(self._serializer)
            self._write(message)
            return len(message)
        try:
            if isinstance(form, bytes):
                size = len(form)
                sent = self._socket.send(form)
            else:
                size = form.size
                sent = os.sendfile(self._fd, form.fd, 0, size)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.abort()
            return 0
        if sent != size:
            self._keep(PartialSend(form, sent))
        return size

    def open(self) -> None:
        self._become_ready()

    def send_message(self, data: bytes) -> None:
        """Give the message to the transport as soon as no frame is being sent."""
        if self._closed:
            return
        self._queued_bytes += len(data)
        if self._partial is not None:
            self._messages.append(data)
        else:
            self._write(data)

    def queued_bytes(self) -> int:
        return self._queued_bytes

    def unsent_bytes(self) -> int:
        """Return the bytes that remain of the current frame, and those that the kernel holds."""
        if self._closed:
            return 0
        return len(self._partial or b"") + socket_state.unacknowledged(self._fd)

    def finish(self, done: Callable[[], None]) -> None:
        self._on_ready = do_nothing
        self._done = done
        self._finish_if_sent()

    def release(self, done: Callable[[], None]) -> None:
        """Send what was begun, and no more frames. Call ``done`` when the kernel has all of it, so
        that another process can write to the connection."""
        self._is_released = True
        if self._is_tcp:
            socket_state.set_low_water(self._socket, 0)
        self.finish(done)

    def abort(self) -> None:
        self.close()
        self._transport.abortConnection()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._make.senders -= 1
        self._ready = False
        self._notifier.stop()
        self._partial = None
        self._messages.clear()
        self._on_ready = self.on_flushed = do_nothing
        self._transport.unregisterProducer()

    # IPullProducer, called by the transport.

    def resumeProducing(self) -> None:
        """Continue: the transport's buffer is empty."""
        if self._flushing:
            self._flushing = False
            if self._queued_bytes and not self._messages:
                self._queued_bytes = 0
                self.on_flushed()
            self._finish_if_sent()
            self._become_ready()

    def stopProducing(self) -> None:
        self.close()

    def _wait_until_sent(self) -> None:
        if self._is_tcp and self._notifier.start(self._fd):
            self._ready = False
            socket_state.set_low_water(self._socket, 1)

    def _keep(self, partial: PartialSend) -> None:
        """Send the rest of a frame later."""
        if self._notifier.start(self._fd):
            self._ready, self._partial = False, partial
        else:
            self._write(partial.read())

    def _on_writable(self) -> None:
        if self._partial is not None:
            self._send(self._partial)
        elif self._has_unsent(self._fd):
            self._notifier.pause()
        else:
            self._notifier.stop()
            socket_state.set_low_water(self._socket, 0)
            self._become_ready()

    def _send(self, partial: PartialSend) -> None:
        try:
            if not partial.send(self._fd):
                return
        except BlockingIOError:
            self._notifier.pause()
            return
        except OSError:
            self.abort()
            return
        self._partial = None
        self._notifier.stop()
        messages, self._messages = self._messages, []
        if messages:
            self._write(b"".join(messages))
        self._finish_if_sent()
        if not messages:
            self._become_ready()

    def _write(self, data: bytes) -> None:
        self._ready = False
        self._flushing = True  # until resumeProducing
        self._transport.write(data)

    def _become_ready(self) -> None:
        if self._closed or self._flushing or self._partial is not None or self._notifier.is_waiting:
            return
        self._ready = True
        if self.is_ready():
            self._on_ready()

    def _finish_if_sent(self) -> None:
        """End, if that was asked for and everything is sent."""
        is_sending = self._partial is not None or (self._is_released and self._flushing)
        if self._done is None or is_sending:
            return
        done, self._done = self._done, None
        self.close()
        done()
