"""Between the server and a worker: lines of JSON over a UNIX socket, some with a file.

A file travels beside its line (unix(7), SCM_RIGHTS), and is there before it. The line names it by
its device and inode: a process that may open no more files is not given it, and nobody tells
(recvmsg(2), MSG_CTRUNC), so that the order of files says nothing.
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
    """One end.

    Arguments:
        received: takes each message; the file that came with it is in ``fd``, for the taker to
            close, or None is, if this process had no room for it.
        lost: called when the other end is gone.
    """

    delimiter = b"\n"
    MAX_LENGTH = 1 << 24

    def __init__(
        self,
        received: Callable[[WorkerChannel, dict[str, Any]], None],
        lost: Callable[[WorkerChannel], None],
    ) -> None:
        self._received = received
        self._lost = lost
        #: Files whose lines are still to come, by device and inode.
        self._files: dict[tuple[int, int], list[int]] = {}

    def tell(self, what: str, fd: int | None = None, **more: Any) -> None:
        """Send a message, with a file that has to stay open until the other end has answered."""
        if self.transport is None or not self.connected:
            return
        message = {"what": what, **more}
        if fd is not None:
            message["fd"] = _identity(fd)
            self.transport.sendFileDescriptor(fd)  # type: ignore[attr-defined]
        self.sendLine(json.dumps(message, separators=(",", ":")).encode())

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """A file has come; its line follows."""
        self._files.setdefault(_identity(descriptor), []).append(descriptor)

    def lineReceived(self, line: bytes) -> None:
        """A message has come."""
        message = json.loads(line)
        if "fd" in message:
            message["fd"] = self._file(*message["fd"])
        self._received(self, message)

    def _file(self, device: int, inode: int) -> int | None:
        files = self._files.get((device, inode))
        if not files:
            return None
        descriptor = files.pop(0)
        if not files:
            del self._files[device, inode]
        return descriptor

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The other end is gone."""
        self._lost(self)


def _identity(descriptor: int) -> tuple[int, int]:
    about = os.fstat(descriptor)
    return about.st_dev, about.st_ino


def to_text(data: bytes) -> str:
    """Bytes as JSON can carry them."""
    return data.decode("latin-1")


def to_bytes(text: str) -> bytes:
    """And back."""
    return text.encode("latin-1")
