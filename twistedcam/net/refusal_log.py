"""A log of refusals that no client can fill.

The first refusal of an address is logged, and those that follow are counted. When a minute is over
one line says how many they were.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.net.addresses import source_of
from twistedcam.runtime.timer import Timer

log = Logger()

#: Seconds within which refusals of one address and kind are one line, and a summary.
PERIOD = 60.0
#: Addresses and kinds that are kept apart in a period; all others are counted together.
MAX_KINDS = 256


class RefusalLog:
    """Says which refusals are logged, and logs how many were not.

    Arguments:
        clock: the reactor.
    """

    def __init__(self, clock: IReactorTime) -> None:
        #: How many were not logged, by address and kind.
        self._counts: dict[tuple[str, str], int] = {}
        self._others = 0
        self._timer = Timer(clock)

    def admits(self, peer: Any, kind: str) -> bool:
        """Whether this refusal is to be logged; if not, it is counted.

        Arguments:
            peer: a transport's ``getPeer()``, or what ``source_of`` made of it.
            kind: what was refused and why, in a few words that are not the client's.
        """
        self._timer.start_unless_pending(PERIOD, self._period_ends)
        key = (peer if isinstance(peer, str) else source_of(peer), kind)
        if key in self._counts:
            self._counts[key] += 1
        elif len(self._counts) >= MAX_KINDS:
            self._others += 1
        else:
            self._counts[key] = 0
            return True
        return False

    def close(self) -> None:
        """Log what was counted: the program ends."""
        if self._timer.is_pending:
            self._timer.cancel()
            self._period_ends()

    def _period_ends(self) -> None:
        counts, self._counts = self._counts, {}
        others, self._others = self._others, 0
        for (source, kind), count in counts.items():
            if count:
                log.warn(
                    "{source}: refused: and {count} more ({kind})",
                    source=source,
                    count=count,
                    kind=kind,
                )
        if others:
            log.warn("other addresses: refused: and {count} more", count=others)
