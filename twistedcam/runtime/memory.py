"""Memory that is no longer needed is used again, or goes back to the system."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable, Mapping
from typing import Any

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

#: Seconds between two times.
PERIOD = 30.0
#: mallopt(3)'s number for how many heaps there may be.
_ARENA_MAX = -8


def share_one_heap(environ: Mapping[str, str]) -> None:
    """Have all threads from now on allocate in one heap.

    glibc gives threads heaps of their own, eight for each processor. Recordings come and go on
    new threads, each in another heap than the last: what one leaves free the next does not find,
    and a night adds tens of megabytes of holes. Allocations are not what threads wait for here,
    because they take the interpreter's lock for most of them anyway.

    To be called before threads are begun, by whom the process belongs to. Where the C library has
    no such setting nothing is done.

    Arguments:
        environ: the process's variables; who has set MALLOC_ARENA_MAX there is obeyed.
    """
    if _mallopt is not None and "MALLOC_ARENA_MAX" not in environ:
        _mallopt(_ARENA_MAX, 1)


def give_back() -> None:
    """Have the allocator give back the pages that hold nothing.

    glibc keeps what was freed below something that is still in use: a crowd, or a recording,
    leaves tens of megabytes so. To look takes a millisecond, seven if there is much to give back.
    Where the C library has no such call nothing is done.
    """
    if _trim is not None:
        _trim(0)


def leave_in_peace() -> None:
    """Have the garbage collector look no more at what there is now: modules, for the most part.

    Now and then, as when some hundreds have come to watch, it goes through all objects there are,
    and nobody is served meanwhile. With 75,000 objects of modules that takes 55 ms of processor
    time, and 7 ms without.

    To be called once, when all is imported and nobody is there yet, by whom the process belongs to.
    """
    gc.freeze()


def _find(name: str) -> Callable[..., Any] | None:
    if not sys.platform.startswith("linux"):  # pragma: no cover - glibc is there
        return None
    found: Callable[..., Any] | None = getattr(ctypes.CDLL(None), name, None)
    return found


_trim, _mallopt = _find("malloc_trim"), _find("mallopt")


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
