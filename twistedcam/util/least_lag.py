"""The least time that packets were under way: the lag of a network without its jitter."""

from __future__ import annotations

#: Seconds for which the least lag of packets is kept at least.
_WINDOW = 15.0


class LeastLag:
    """The least lag of the last seconds: that of the packets that were under way shortest."""

    __slots__ = ("_before", "_current", "_since")

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget all packets."""
        self._before = self._current = float("inf")
        self._since = float("-inf")

    def note(self, lag: float, now: float) -> float:
        """Note the lag of a packet, and return the least one, both in seconds.

        Arguments:
            now: seconds of a monotonic clock.
        """
        if now - self._since > _WINDOW:
            self._before, self._current, self._since = self._current, lag, now
        elif lag < self._current:
            self._current = lag
        return min(self._before, self._current)
