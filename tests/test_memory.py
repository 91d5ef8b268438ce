"""What is no longer needed goes back to the system."""

from __future__ import annotations

import ctypes
import os

from twisted.internet.task import Clock

from tests.soak.footprint import Footprint
from tests.system import require
from twistedcam.memory import PERIOD, MemoryReturn, give_back

COUNT, SIZE = 2000, 32_000  # 64 MB, in pieces that the allocator does not map one by one


def test_what_was_freed_below_something_in_use_goes_back() -> None:
    libc = ctypes.CDLL(None)
    require(hasattr(libc, "malloc_trim"), "glibc")
    pieces = [bytearray(SIZE) for _ in range(COUNT)]
    on_top = [pieces.pop() for _ in range(10)]
    pieces.clear()
    before = Footprint(os.getpid()).kilobytes
    give_back()
    assert Footprint(os.getpid()).kilobytes < before - COUNT * SIZE / 1024 / 2
    assert all(on_top)


def test_it_is_done_now_and_then_while_the_server_runs() -> None:
    clock, times = Clock(), list[float]()
    service = MemoryReturn(clock, lambda: times.append(clock.seconds()))
    service.startService()
    clock.pump([PERIOD] * 3)
    service.stopService()
    clock.pump([PERIOD] * 3)
    assert times == [PERIOD, 2 * PERIOD, 3 * PERIOD]
    assert clock.getDelayedCalls() == []
