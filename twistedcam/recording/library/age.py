"""How old recordings are, on computers whose clock may be wrong for a while after the start.

A Raspberry Pi has no clock of its own: what it records before NTP sets the time says that it was
made weeks ago, or in 1970. The time since boot is always right, so recordings of this boot are
judged by that, and the wall clock is not believed where it has reasons to be wrong.
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
from twistedcam.recording.library.probe import Item
from twistedcam.runtime.clock import boot_id, is_synchronized, uptime

#: A clock before this, in seconds since the UNIX epoch, is wrong: 2025.
EARLIEST = 1_735_689_600.0
#: Seconds by which a clock that is only adjusted may differ from what it was.
JUMP = 60.0
#: Seconds since boot in which a clock that nothing has set is not believed: NTP may come.
UNSETTLED = 3600.0
_FILE = "clocks.json"
#: Bytes that it may have.
_MOST_BYTES = 1 << 20


class Ages:
    """Judges how old recordings are.

    Arguments:
        folder: where the recordings are. What was learned of earlier boots is in its hidden folder.
        wall: seconds since the UNIX epoch, by the computer's clock.
        up: seconds since boot.
        boot: which boot this is.
        is_set: whether something has set the clock since.
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
        #: By the computer's clock, when it was booted.
        self._booted = wall() - up()
        #: The same of boots in which the clock was put forward, with the last clock that they had.
        self._learned: dict[str, float] = {}

    def learn(self, items: Iterable[Item]) -> None:
        """See whether the clock was put forward since recordings of this boot began. Blocks.

        That is kept in a file: after the next boot nothing else tells when they were made.
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

    def since(self, item: Item) -> float:
        """When it was begun, as far as that can be told, in seconds since the UNIX epoch."""
        if item.up is not None and item.boot and item.boot == self._boot:
            return self._wall() - (self._up() - item.up)
        if item.up is not None and item.boot in self._learned:
            return max(_since(item), self._learned[item.boot] + item.up)
        return _since(item)

    def of(self, item: Item) -> float | None:
        """Seconds since it was begun; None where that cannot be told now."""
        if item.up is not None and item.boot and item.boot == self._boot:
            return max(0.0, self._up() - item.up)
        since, now = self.since(item), self._now()
        if now is None or since < EARLIEST:
            return None
        return now - since

    def _now(self) -> float | None:
        """What time it is, for recordings of earlier boots; None if that is not known."""
        wall, up, is_set = self._wall(), self._up(), self._is_set()
        if wall < EARLIEST or (up < UNSETTLED and not is_set):
            return None
        was = self._booted + up
        if wall - was > JUMP and was >= EARLIEST and not is_set:
            return was  # it was put forward, and not by NTP: it may be wrong now
        self._booted = wall - up
        return wall

    def _read(self) -> dict[str, float]:
        try:
            kept: Any = json.loads(self._hidden.read(_FILE, _MOST_BYTES)[0])
            return {str(boot): float(when) for boot, when in kept.items() if isfinite(when)}
        except (OSError, ValueError, AttributeError, TypeError, OverflowError, RecursionError):
            return {}


def _since(item: Item) -> float:
    return item.start if item.since is None else item.since
