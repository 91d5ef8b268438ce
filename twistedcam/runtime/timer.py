"""A delayed call that can be moved or cancelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Timer:
    """Makes at most one delayed call.

    It keeps no reference to a call that was made or cancelled, so that its owner is freed without
    the garbage collector.

    Arguments:
        clock: measures the time.
    """

    __slots__ = ("_arguments", "_call", "_clock", "_due")

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._due: IDelayedCall | None = None
        self._call: Callable[..., object] | None = None
        self._arguments: tuple[Any, ...] = ()

    @property
    def is_pending(self) -> bool:
        """True if a call is scheduled."""
        return self._due is not None

    def start(self, seconds: float, call: Callable[..., object], *arguments: Any) -> None:
        """Schedule a call in a number of seconds, in place of a pending one."""
        self._call, self._arguments = call, arguments
        if self._due is None:
            self._due = self._clock.callLater(seconds, self._expire)
        else:
            self._due.reset(seconds)

    def start_unless_pending(self, seconds: float, call: Callable[..., object]) -> None:
        """Schedule a call, unless one is pending: several starts in a short time make one call."""
        if self._due is None:
            self.start(seconds, call)

    def cancel(self) -> None:
        """Cancel the pending call, if there is one."""
        if self._due is not None:
            self._due.cancel()
            self._due = self._call = None
            self._arguments = ()

    def _expire(self) -> None:
        call, arguments = self._call, self._arguments
        self._due = self._call = None
        self._arguments = ()
        assert call is not None
        call(*arguments)
