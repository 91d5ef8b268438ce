"""Ages of recordings, on computers whose clock may be wrong after the start.

A Raspberry Pi has no hardware clock: what it records before NTP sets the time is dated weeks ago,
or in 1970. The time since boot is always correct, so it decides for recordings of this boot. The
wall clock is not trusted while it may be wrong.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import Any

from twistedcam.recording.library.hidden_folder import HiddenFolder
from twistedcam.recording.library.probe import LibraryEntry
from twistedcam.runtime.clock import boot_id, is_synchronized, uptime

#: Earliest correct time, in seconds since the UNIX epoch: 2025.
EARLIEST = 1_735_689_600.0
#: Seconds above which a difference means that the clock was set and not adjusted.
JUMP = 60.0
#: Seconds since boot in which a clock without NTP is not trusted: NTP may still set it.
UNSETTLED = 3600.0
_FILE = "clocks.json"
#: Bytes of that file at most.
_MAX_BYTES = 1 << 20


class Ages:
    """Computes the ages of recordings.

    Arguments:
        folder: the recordings folder. Its hidden folder keeps what was learned of earlier boots.
        is_set: returns True if the clock was set since boot.
    """

    def __init__(
        self,
        folder: Path,
        wall: Callable[[], float] = lambda: time.time(),
        up: Callable[[], float] = uptime,
        boot: str | None = None,
        is_set: Callable[[], bool] = lambda: is_synchronized(),
    ) -> None:
        self._hidden = HiddenFolder(folder)
        self._wall = wall
        self._up = up
        self._boot = boot_id() if boot is None else boot
        self._is_set = is_set
        #: The time of boot, by the computer's clock.
        self._booted = wall() - up()
        #: The same by boot ids, for boots in which the clock was put forward.
        self._learned: dict[str, float] = {}

    def learn(self, items: Iterable[LibraryEntry]) -> None:
        """Find out if the clock was put forward since recordings of this boot began. Blocks.

        That is kept in a file: after the next boot nothing else shows when they were made.
        """
        self._learned = self._read()
        booted = self._wall() - self._up()
        known = max(self._learned.get(self._boot, 0.0), 0.0)
        if booted <= known + JUMP or not self._boot:
            return
        for item in items:
            if item.boot == self._boot and booted - (_since(item) - (item.up or 0.0)) > JUMP:
                self._learned[self._boot] = booted
                with suppress(OSError):
                    self._hidden.write(_FILE, json.dumps(self._learned).encode(), sync=True)
                return

    def since(self, item: LibraryEntry) -> float:
        """The most likely start of a recording, in seconds since the UNIX epoch."""
        if item.up is not None and item.boot and item.boot == self._boot:
            return self._wall() - (self._up() - item.up)
        if item.up is not None and item.boot in self._learned:
            return max(_since(item), self._learned[item.boot] + item.up)
        return _since(item)

    def of(self, item: LibraryEntry) -> float | None:
        """Seconds since the start of a recording; None if that is unknown now."""
        if item.up is not None and item.boot and item.boot == self._boot:
            return max(0.0, self._up() - item.up)
        since, now = self.since(item), self._now()
        if now is None or since < EARLIEST:
            return None
        return now - since

    def _now(self) -> float | None:
        """The time, for recordings of earlier boots; None if it is unknown."""
        wall, up, is_set = self._wall(), self._up(), self._is_set()
        if wall < EARLIEST or (up < UNSETTLED and not is_set):
            return None
        was = self._booted + up
        if wall - was > JUMP and was >= EARLIEST and not is_set:
            return was  # put forward, but not by NTP: it may be wrong
        self._booted = wall - up
        return wall

    def _read(self) -> dict[str, float]:
        try:
            kept: Any = json.loads(self._hidden.read(_FILE, _MAX_BYTES)[0])
            return {str(boot): float(when) for boot, when in kept.items() if isfinite(when)}
        except (OSError, ValueError, AttributeError, TypeError, OverflowError, RecursionError):
            return {}


def _since(item: LibraryEntry) -> float:
    return item.start if item.since is None else item.since
