"""A recording that begins with the server, and again when a disk error has ended it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from twisted.internet.interfaces import IReactorTime

from twistedcam.errors import BadArgument, DiskError
from twistedcam.runtime.backoff import Backoff
from twistedcam.runtime.timer import Timer

#: Seconds between two attempts on a disk that cannot be written.
PERIOD = 10.0
#: Seconds to the next attempt at most, on a disk that ends one recording after the other.
LONGEST = 300.0
#: Seconds after which a recording counts as successful.
LASTED = 60.0


class ContinuousRecording:
    """Keeps a recording going from ``hold`` to ``release``.

    Arguments:
        begin: begins the recording; raises DiskError, or BadArgument while the one before is
            being finished.
    """

    def __init__(self, clock: IReactorTime, begin: Callable[[], None]) -> None:
        self._clock = clock
        self._begin = begin
        #: True from ``hold`` to ``release``.
        self.is_held = False
        self._backoff = Backoff(PERIOD, LONGEST)
        self._began = 0.0
        self._timer = Timer(clock)

    def hold(self) -> None:
        """Begin the recording now, or as soon as the disk can be written.

        Raises:
            BadArgument: the recording before is being finished.
            DiskError: the disk cannot be written now.
        """
        self.release()
        self.is_held = True
        self._backoff.reset()
        self._start()

    def release(self) -> None:
        """Do not begin it any more."""
        self.is_held = False
        self._timer.cancel()

    def on_failed(self) -> None:
        """The recording has ended with an error."""
        if not self.is_held:
            return
        if self._clock.seconds() - self._began >= LASTED:
            self._backoff.reset()
        self._timer.start(self._backoff.next(), self._try_again)

    def _try_again(self) -> None:
        with suppress(BadArgument, DiskError):
            self._start()

    def _start(self) -> None:
        self._began = self._clock.seconds()
        try:
            self._begin()
        except (BadArgument, DiskError):
            self._timer.start(PERIOD, self._try_again)
            raise
