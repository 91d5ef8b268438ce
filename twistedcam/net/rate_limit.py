"""A limit on the rate of requests of each client."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from twistedcam.errors import TooOften

#: The most clients to remember. Then the one with the oldest request is forgotten.
_MAX_CLIENTS = 4096


class RateLimiter:
    """Counts requests by client (token bucket of one second).

    Arguments:
        clock: measures the time.
        rate: returns the current limit in requests per second.
    """

    def __init__(self, clock: IReactorTime, rate: Callable[[], int]) -> None:
        self._clock = clock
        self._rate = rate
        #: The remaining requests of each client, and the time of that value.
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def acquire(self, who: str) -> None:
        """Count a request.

        Raises:
            TooOften: the client has exceeded the limit.
        """
        rate, now = self._rate(), self._clock.seconds()
        left, then = self._left.get(who, (float(rate), now))
        left = min(float(rate), left + max(0.0, now - then) * rate)
        self._left[who] = (left - 1 if left >= 1 else left), now
        self._left.move_to_end(who)
        if len(self._left) > _MAX_CLIENTS:
            self._left.popitem(last=False)
        if left < 1:
            raise TooOften(
                f"more than {rate} snapshots in a second: wait, or watch the stream instead"
            )
