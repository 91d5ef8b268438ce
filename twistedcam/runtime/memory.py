"""Settings of the allocator and the garbage collector that keep the process small and fast."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable, Mapping
from typing import Any

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

#: Seconds between two calls of ``trim_heap``.
PERIOD = 30.0
#: The parameter of mallopt(3) for the number of heaps.
_ARENA_MAX = -8


def share_one_heap(environ: Mapping[str, str]) -> None:
    """Make all threads allocate in one heap.

    glibc gives threads up to eight heaps for each processor. Each recording runs on a new thread,
    which often uses another heap and cannot reuse the free memory of the previous one. That adds
    tens of megabytes in a night. One heap costs no speed, because threads need the interpreter's
    lock for most allocations anyway.

    A program calls this before it starts threads. Other C libraries than glibc are left alone.

    Arguments:
        environ: the process's environment; MALLOC_ARENA_MAX there has precedence.
    """
    if _mallopt is not None and "MALLOC_ARENA_MAX" not in environ:
        _mallopt(_ARENA_MAX, 1)


def trim_heap() -> None:
    """Return free pages of the heap to the system.

    glibc keeps free memory below an allocation that is in use: tens of megabytes after many viewers
    or a recording. The call takes 1 ms, or 7 ms if there is much to return. Other C libraries than
    glibc are left alone.
    """
    if _trim is not None:
        _trim(0)


def freeze_objects() -> None:
    """Exclude the present objects, mostly modules, from garbage collection.

    A full collection blocks the reactor. With the 75,000 objects of modules it takes 55 ms of
    processor time, without them 7 ms. A program calls this once, after its imports.
    """
    gc.freeze()


def _find(name: str) -> Callable[..., Any] | None:
    if not sys.platform.startswith("linux"):  # pragma: no cover - glibc is on Linux only
        return None
    found: Callable[..., Any] | None = getattr(ctypes.CDLL(None), name, None)
    return found


_trim, _mallopt = _find("malloc_trim"), _find("mallopt")


class MemoryReturn(Service):
    """Returns free memory to the system periodically.

    Arguments:
        clock: measures the period.
        act: returns the memory.
    """

    def __init__(self, clock: IReactorTime, act: Callable[[], None] = trim_heap) -> None:
        self._loop = LoopingCall(act)
        self._loop.clock = clock

    def startService(self) -> None:
        super().startService()
        self._loop.start(PERIOD, now=False)

    def stopService(self) -> None:
        super().stopService()
        self._loop.stop()
