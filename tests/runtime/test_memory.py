"""Free memory returns to the system, and threads share one heap."""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys

from twisted.internet.task import Clock

from tests.soak.footprint import Footprint
from tests.support.heaps import heaps
from tests.support.process import PATIENCE, ROOT
from tests.support.system import require
from twistedcam.runtime.memory import PERIOD, MemoryReturn, freeze_objects, trim_heap

COUNT, SIZE = 2000, 32_000  # 64 MB, in blocks too small for mappings of their own


def test_what_was_freed_below_something_in_use_goes_back() -> None:
    libc = ctypes.CDLL(None)
    require(hasattr(libc, "malloc_trim"), "glibc")
    pieces = [bytearray(SIZE) for _ in range(COUNT)]
    on_top = [pieces.pop() for _ in range(10)]
    pieces.clear()
    before = Footprint(os.getpid()).kilobytes
    trim_heap()
    assert Footprint(os.getpid()).kilobytes < before - COUNT * SIZE / 1024 / 2
    assert all(on_top)


def test_what_is_there_when_a_server_begins_is_collected_no_more() -> None:
    there = [[number] for number in range(1000)]
    gc.collect()
    try:
        freeze_objects()
        looked_at = {id(each) for each in gc.get_objects()}
        assert not looked_at & {id(each) for each in there}
        assert gc.is_tracked(there)
    finally:
        gc.unfreeze()


def test_memory_is_returned_periodically() -> None:
    clock, times = Clock(), list[float]()
    service = MemoryReturn(clock, lambda: times.append(clock.seconds()))
    service.startService()
    clock.pump([PERIOD] * 3)
    service.stopService()
    clock.pump([PERIOD] * 3)
    assert times == [PERIOD, 2 * PERIOD, 3 * PERIOD]
    assert clock.getDelayedCalls() == []


#: Allocates in twelve threads at the same time, and prints the number of heaps.
CROWD = """
import os, threading
from tests.support.heaps import heaps
from twistedcam.runtime.memory import share_one_heap

share_one_heap(os.environ)
all_there = threading.Barrier(12)

def allocate():
    kept = [bytes(5000) for _ in range(20)]
    all_there.wait()

threads = [threading.Thread(target=allocate) for _ in range(12)]
for each in threads:
    each.start()
for each in threads:
    each.join()
print(heaps())
"""


def heaps_of_a_crowd(**variables: str) -> int:
    require(heaps() is not None, "glibc")
    environ = {key: value for key, value in os.environ.items() if key != "MALLOC_ARENA_MAX"}
    words = [sys.executable, "-c", CROWD]
    done = subprocess.run(
        words, cwd=ROOT, env=environ | variables, capture_output=True, check=True, timeout=PATIENCE
    )
    return int(done.stdout)


def test_all_threads_allocate_in_one_heap() -> None:
    assert heaps_of_a_crowd() == 1


def test_who_asks_for_more_heaps_by_a_variable_has_them() -> None:
    assert 1 < heaps_of_a_crowd(MALLOC_ARENA_MAX="3") <= 3
