"""A call that is made later, and may be moved or cancelled before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Timer:
    """Makes at most one call at a later time.

    It refers to the call only until that is made or cancelled, so the owner of a timer is freed
    without the garbage collector.

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
        """True if a call is to be made."""
        return self._due is not None

    def start(self, seconds: float, call: Callable[..., object], *arguments: Any) -> None:
        """Make a call after so many seconds, in place of a pending one."""
        self._call, self._arguments = call, arguments
        if self._due is None:
            self._due = self._clock.callLater(seconds, self._expire)
        else:
            self._due.reset(seconds)

    def start_unless_pending(self, seconds: float, call: Callable[..., object]) -> None:
        """Make a call after so many seconds, unless one is pending: the first of several starts
        decides when, so that many changes within a short time cause one call."""
        if self._due is None:
            self.start(seconds, call)

    def cancel(self) -> None:
        """Make no call."""
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
