"""Waiting for a socket that somebody else's transport owns."""

from __future__ import annotations

import os
from collections.abc import Callable

from twisted.internet.interfaces import IReactorFDSet, IWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam.limits import spare


@implementer(IWriteDescriptor)
class WritableWait:
    """Calls back while a socket is writable, as long as that is wanted.

    The reactor knows the socket's own descriptor as its transport's, so this waits on a duplicate,
    which exists only while it waits.

    Arguments:
        reactor: what waits.
        writable: called each time the socket can be written.
    """

    __slots__ = ("__weakref__", "_fd", "_reactor", "_writable")

    def __init__(self, reactor: IReactorFDSet, writable: Callable[[], None]) -> None:
        self._reactor = reactor
        self._writable = writable
        self._fd = -1

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

    def end(self) -> None:
        """Wait no more."""
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
