"""Waiting for a socket that somebody else's transport owns."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam.runtime.file_limits import spare

#: Seconds until a socket that was called writable, and was not, is waited for again.
REST = 0.02


@implementer(IWriteDescriptor)
class WritableNotifier:
    """Calls back while a socket is writable, as long as that is wanted.

    The reactor knows the socket's own descriptor as its transport's, so this waits on a duplicate,
    which exists only while it waits.

    Arguments:
        reactor: what waits (IReactorFDSet, IReactorTime).
        writable: called each time the socket can be written.
    """

    __slots__ = ("__weakref__", "_fd", "_later", "_reactor", "_writable")

    def __init__(self, reactor: Any, writable: Callable[[], None]) -> None:
        self._reactor = reactor
        self._writable = writable
        self._fd = -1
        self._later: IDelayedCall | None = None

    @property
    def waits(self) -> bool:
        """Whether it waits now."""
        return self._fd >= 0

    def begin(self, fd: int) -> bool:
        """Wait for this socket; False if that takes a file and there is none to be had."""
        if self._fd < 0:
            try:
                self._fd = spare(os.dup(fd))
                self._reactor.addWriter(self)
            except OSError:
                self.end()
                return False
        return True

    def rest(self) -> None:
        """The socket was called writable and took nothing: go on waiting in a moment.

        The reactor would say so again at once, for as long as the system is of two minds, and
        have time for little else.
        """
        if self._fd >= 0 and self._later is None:
            self._reactor.removeWriter(self)
            self._later = self._reactor.callLater(REST, self._go_on)

    def _go_on(self) -> None:
        self._later = None
        self._reactor.addWriter(self)

    def end(self) -> None:
        """Wait no more."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._fd >= 0:
            self._reactor.removeWriter(self)
            os.close(self._fd)
            self._fd = -1

    def fileno(self) -> int:
        """The duplicate."""
        return self._fd

    def logPrefix(self) -> str:
        """What the reactor calls it in a log."""
        return "waiting to send"

    def doWrite(self) -> None:
        """The socket is writable."""
        self._writable()

    def connectionLost(self, reason: Failure) -> None:
        """The socket is dead. Its transport hears of that by itself."""
        self.end()
