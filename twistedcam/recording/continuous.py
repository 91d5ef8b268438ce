"""A recording that begins with the server, and again when the disk that ended it takes it."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from twistedcam.errors import DiskError
from twistedcam.runtime.backoff import Backoff
from twistedcam.runtime.timer import Timer

#: Seconds between two looks whether the disk has room again.
PERIOD = 10.0
#: Seconds before another one is begun, at most, on a disk that breaks one after the other.
LONGEST = 300.0
#: A recording of so many seconds was no mere try.
LASTED = 60.0


class ContinuousRecording:
    """Wants a recording from ``hold`` to ``let_go``.

    Arguments:
        clock: what it waits by.
        begin: begins the recording, or raises DiskError.
    """

    def __init__(self, clock: IReactorTime, begin: Callable[[], None]) -> None:
        self._clock = clock
        self._begin = begin
        #: Whether it is wanted.
        self.is_held = False
        self._backoff = Backoff(PERIOD, LONGEST)
        self._began = 0.0
        self._due = Timer(clock)

    def hold(self) -> None:
        """Begin it now, or as soon as the disk takes it.

        Raises:
            DiskError: it does not take it now.
        """
        self.let_go()
        self.is_held = True
        self._backoff.reset()
        try:
            self._start()
        except DiskError:
            self._due.start(PERIOD, self._again)
            raise

    def let_go(self) -> None:
        """Whatever happens, it is not begun any more."""
        self.is_held = False
        self._due.cancel()

    def lost(self) -> None:
        """The disk has ended it."""
        if not self.is_held:
            return
        if self._clock.seconds() - self._began >= LASTED:
            self._backoff.reset()
        self._due.start(self._backoff.next(), self._again)

    def _again(self) -> None:
        try:
            self._start()
        except DiskError:
            self._due.start(PERIOD, self._again)

    def _start(self) -> None:
        self._began = self._clock.seconds()
        self._begin()
