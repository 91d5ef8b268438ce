"""The length of the pieces in which a microphone is read: longer ones cost less."""

from __future__ import annotations

import time
from threading import Event

#: Seconds of sound that are read at once, and while nobody listens.
SHORT, LONG = 0.04, 0.2


class PieceLength:
    """The seconds of the next piece. Its methods can be called by any thread."""

    def __init__(self) -> None:
        self._is_short = Event()
        self._is_short.set()
        self._is_wanted = self._is_allowed = False

    @property
    def seconds(self) -> float:
        """Seconds of sound in the next piece."""
        return SHORT if self._is_short.is_set() else LONG

    def gather(self, wanted: bool) -> None:
        """Make the next pieces long, or short from now on: a wait for a long one ends at once."""
        self._is_wanted = wanted
        self._apply()

    def allow_long(self, is_allowed: bool) -> None:
        """Allow long pieces, or have all be short: first, they are not allowed."""
        self._is_allowed = is_allowed
        self._apply()

    def _apply(self) -> None:
        if self._is_wanted and self._is_allowed:
            self._is_short.clear()
        else:
            self._is_short.set()

    def wait(self, seconds: float) -> None:
        """Wait for the next piece; less if it becomes a short one meanwhile."""
        if self._is_short.is_set():  # the event would not be waited for
            time.sleep(max(0.0, seconds))
        else:
            self._is_short.wait(max(0.0, seconds))
