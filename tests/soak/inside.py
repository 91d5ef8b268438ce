"""A server that says what it holds: ``python -m tests.soak.inside serve …``.

At SIGUSR1 it writes to the file that SOAK_REPORT names.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from types import CoroutineType
from typing import Any

from twisted.internet.defer import Deferred

from tests.support.heaps import heaps
from twistedcam.cli import main
from twistedcam.runtime.memory import trim_heap


def holdings() -> dict[str, Any]:
    """Threads, timers, unfinished Deferreds and coroutines, and objects."""
    from twisted.internet import reactor

    gc.collect()
    alive = gc.get_objects()
    kinds = Counter(f"{type(each).__module__}.{type(each).__qualname__}" for each in alive)
    deferreds = sum(isinstance(each, Deferred) and not each.called for each in alive)
    coroutines = Counter(each.__qualname__ for each in alive if isinstance(each, CoroutineType))
    del alive
    trim_heap()  # as it does by itself every half minute
    return {
        "heaps": heaps(),
        "threads": sorted(each.name for each in threading.enumerate()),
        "timers": Counter(_name(call.func) for call in reactor.getDelayedCalls()),  # type: ignore[attr-defined]
        "deferreds": deferreds,
        "coroutines": coroutines,
        "objects": {each: kinds[each] for each in kinds if each.startswith("twisted")},
    }


def _name(function: Any) -> str:
    return getattr(function, "__qualname__", None) or type(function).__qualname__


def report(*_: object) -> None:
    """Write it, whole or not at all."""
    path = Path(os.environ["SOAK_REPORT"])
    part = path.with_suffix(".part")
    part.write_text(json.dumps(holdings()))
    part.replace(path)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, report)
    sys.exit(main())
