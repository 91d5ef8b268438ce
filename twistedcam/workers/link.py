"""Between the server and a worker: lines of JSON over a UNIX socket, some with a file.

A file travels beside its line (unix(7), SCM_RIGHTS). Files keep their order, and each is there
before the line that belongs to it, so a line need only say that it has one.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IFileDescriptorReceiver
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure
from zope.interface import implementer


@implementer(IFileDescriptorReceiver)
class Link(LineOnlyReceiver):
    """One end.

    Arguments:
        received: takes each message; the file that came with it is in ``fd``, for the taker to
            close.
        lost: called when the other end is gone.
    """

    delimiter = b"\n"
    MAX_LENGTH = 1 << 24

    def __init__(
        self, received: Callable[[Link, dict[str, Any]], None], lost: Callable[[Link], None]
    ) -> None:
        self._received = received
        self._lost = lost
        self._files: deque[int] = deque()

    def tell(self, what: str, fd: int | None = None, **more: Any) -> None:
        """Send a message, with a file that has to stay open until the other end has answered."""
        if self.transport is None or not self.connected:
            return
        message = {"what": what, **more}
        if fd is not None:
            message["fd"] = True
            self.transport.sendFileDescriptor(fd)  # type: ignore[attr-defined]
        self.sendLine(json.dumps(message, separators=(",", ":")).encode())

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """A file has come; its line follows."""
        self._files.append(descriptor)

    def lineReceived(self, line: bytes) -> None:
        """A message has come."""
        message = json.loads(line)
        if message.get("fd"):
            message["fd"] = self._files.popleft()
        self._received(self, message)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The other end is gone."""
        self._lost(self)


def to_text(data: bytes) -> str:
    """Bytes as JSON can carry them."""
    return data.decode("latin-1")


def to_bytes(text: str) -> bytes:
    """And back."""
    return text.encode("latin-1")
