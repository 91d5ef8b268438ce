"""The channel between the server and a worker: lines of JSON over a UNIX socket, some with a file.

A file descriptor is sent with its line (unix(7), SCM_RIGHTS), and arrives before it. The line
identifies the file by device and inode, because the order of files is not reliable: a process that
cannot open more files does not get the descriptor, and is not told so (recvmsg(2), MSG_CTRUNC).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IFileDescriptorReceiver
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure
from zope.interface import implementer


@implementer(IFileDescriptorReceiver)
class WorkerChannel(LineOnlyReceiver):
    """One end of the channel.

    Arguments:
        on_message: called with each message. The descriptor of its file is in ``fd``, which the
            receiver has to close; it is None if this process could not open the file.
        on_lost: called when the other end is gone.
    """

    delimiter = b"\n"
    MAX_LENGTH = 1 << 24

    def __init__(
        self,
        on_message: Callable[[WorkerChannel, dict[str, Any]], None],
        on_lost: Callable[[WorkerChannel], None],
    ) -> None:
        self._on_message = on_message
        self._on_lost = on_lost
        #: Descriptors whose lines have not arrived, by device and inode.
        self._files: dict[tuple[int, int], list[int]] = {}

    def send(self, type: str, fd: int | None = None, **more: Any) -> None:
        """Send a message; the file ``fd`` has to stay open until the other end has answered."""
        if self.transport is None or not self.connected:
            return
        message = {"type": type, **more}
        if fd is not None:
            message["fd"] = _identity(fd)
            self.transport.sendFileDescriptor(fd)  # type: ignore[attr-defined]
        self.sendLine(json.dumps(message, separators=(",", ":")).encode())

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """Keep the descriptor until its line arrives."""
        self._files.setdefault(_identity(descriptor), []).append(descriptor)

    def lineReceived(self, line: bytes) -> None:
        message = json.loads(line)
        if "fd" in message:
            message["fd"] = self._file(*message["fd"])
        self._on_message(self, message)

    def _file(self, device: int, inode: int) -> int | None:
        files = self._files.get((device, inode))
        if not files:
            return None
        descriptor = files.pop(0)
        if not files:
            del self._files[device, inode]
        return descriptor

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._on_lost(self)


def _identity(descriptor: int) -> tuple[int, int]:
    about = os.fstat(descriptor)
    return about.st_dev, about.st_ino


def to_text(data: bytes) -> str:
    """Return bytes as a text for JSON."""
    return data.decode("latin-1")


def to_bytes(text: str) -> bytes:
    """Return the bytes of ``to_text``."""
    return text.encode("latin-1")
