"""Memory that is no longer needed goes back to the system."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

#: Seconds between two times.
PERIOD = 30.0


def give_back() -> None:
    """Have the allocator give back the pages that hold nothing.

    glibc keeps what was freed below something that is still in use, in a heap for each few
    threads: a crowd, or a recording, leaves tens of megabytes so. To look takes a millisecond,
    seven if there is much to give back. Where the C library has no such call nothing is done.
    """
    if _trim is not None:
        _trim(0)


def _find() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    found: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return found


_trim = _find()


class MemoryReturn(Service):
    """Gives memory back, now and then.

    Arguments:
        clock: what it waits by.
        act: what gives it back.
    """

    def __init__(self, clock: IReactorTime, act: Callable[[], None] = give_back) -> None:
        self._loop = LoopingCall(act)
        self._loop.clock = clock

    def startService(self) -> None:
        """Begin."""
        super().startService()
        self._loop.start(PERIOD, now=False)

    def stopService(self) -> None:
        """No more."""
        super().stopService()
        self._loop.stop()
