"""Waits until a socket that belongs to a transport is writable."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam.runtime.file_limits import check_reserve

#: Seconds to wait after a socket was reported as writable but took nothing.
PAUSE = 0.02


@implementer(IWriteDescriptor)
class WritableNotifier:
    """Calls back while a socket is writable, until it is stopped.

    The reactor knows the socket's own descriptor as its transport's, so this waits for a duplicate,
    which exists only while it waits.

    Arguments:
        reactor: provides IReactorFDSet and IReactorTime.
        on_writable: called each time the socket is writable.
    """

    __slots__ = ("__weakref__", "_fd", "_on_writable", "_pause", "_reactor")

    def __init__(self, reactor: Any, on_writable: Callable[[], None]) -> None:
        self._reactor = reactor
        self._on_writable = on_writable
        self._fd = -1
        self._pause: IDelayedCall | None = None

    @property
    def is_waiting(self) -> bool:
        """True from ``start`` to ``stop``."""
        return self._fd >= 0

    def start(self, fd: int) -> bool:
        """Wait for this socket. Return False if no file descriptor is available for that."""
        if self._fd < 0:
            try:
                self._fd = check_reserve(os.dup(fd))
                self._reactor.addWriter(self)
            except OSError:
                self.stop()
                return False
        return True

    def pause(self) -> None:
        """Wait a moment: the socket was reported as writable, but took nothing.

        Otherwise the reactor would report it again at once, and do little else.
        """
        if self._fd >= 0 and self._pause is None:
            self._reactor.removeWriter(self)
            self._pause = self._reactor.callLater(PAUSE, self._resume)

    def _resume(self) -> None:
        self._pause = None
        self._reactor.addWriter(self)

    def stop(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        if self._fd >= 0:
            self._reactor.removeWriter(self)
            os.close(self._fd)
            self._fd = -1

    def fileno(self) -> int:
        return self._fd

    def logPrefix(self) -> str:
        return "waiting to send"

    def doWrite(self) -> None:
        self._on_writable()

    def connectionLost(self, reason: Failure) -> None:
        """Stop. The transport is informed of the loss by itself."""
        self.stop()
