"""Signals that come while the program is still being loaded."""

from __future__ import annotations

import signal
import sys
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)


class EarlySignals:
    """Keeps the first signal that asks for the end until somebody can end in order.

    Loading takes most of a second, in which a signal would be a traceback or a kill. One that is
    ignored (``nohup``) stays ignored, and the second one ends the program as it always would: it
    may hang in what it loads.
    """

    def __init__(self) -> None:
        #: Whether the end was asked for.
        self.came = False
        self._before = {each: signal.getsignal(each) for each in _SIGNALS}
        self._before = {key: each for key, each in self._before.items() if each in _DEFAULTS}
        for each in self._before:
            signal.signal(each, self._keep)

    def give_back(self) -> None:
        """Have things as they were, but let no signal in before ``let_in``.

        For the moment in which somebody else takes them: they come late, and none is lost.
        """
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_BLOCK, self._before)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def let_in(self) -> None:
        """Let in what has come since ``give_back``, and what will come."""
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self._before)

    def _keep(self, number: int, frame: FrameType | None) -> None:
        if self.came:
            for each, handler in self._before.items():
                signal.signal(each, handler)
            signal.raise_signal(number)
        self.came = True
