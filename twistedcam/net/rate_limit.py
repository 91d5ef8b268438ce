"""How often something may be asked for: so many times a second, from each who asks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from twistedcam.errors import TooOften

#: How many who asked are remembered; beyond it the one that has asked longest ago is forgotten.
_REMEMBERED = 4096


class RateLimiter:
    """Counts what is asked for, by who asks. A second's share may be asked for at once.

    Arguments:
        clock: what time is measured by.
        rate: gives how many a second there may be now.
    """

    def __init__(self, clock: IReactorTime, rate: Callable[[], int]) -> None:
        self._clock = clock
        self._rate = rate
        #: What each may still ask for, and when that was so.
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def acquire(self, who: str) -> None:
        """Count one more request.

        Raises:
            TooOften: it is one too many; the message says how many there may be.
        """
        rate, now = self._rate(), self._clock.seconds()
        left, then = self._left.get(who, (float(rate), now))
        left = min(float(rate), left + max(0.0, now - then) * rate)
        self._left[who] = (left - 1 if left >= 1 else left), now
        self._left.move_to_end(who)
        if len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        if left < 1:
            raise TooOften(
                f"more than {rate} snapshots in a second: wait, or watch the stream instead"
            )
