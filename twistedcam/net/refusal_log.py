"""A limit on log lines about refused clients.

The first refusal of an address is logged, and those that follow within a minute are counted and
logged in one line.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.net.addresses import source_of
from twistedcam.runtime.timer import Timer

log = Logger()

#: Seconds within which refusals of one address and kind cause one line and a summary.
PERIOD = 60.0
#: The most pairs of address and kind in a period; all others are counted together.
MAX_KINDS = 256


class RefusalLog:
    """Decides which refusals are logged, and logs the number of the others.

    Arguments:
        clock: the reactor.
    """

    def __init__(self, clock: IReactorTime) -> None:
        #: The number of refusals that were not logged, by address and kind.
        self._counts: dict[tuple[str, str], int] = {}
        self._others = 0
        self._timer = Timer(clock)

    def should_log(self, peer: Any, kind: str) -> bool:
        """Return True if this refusal is to be logged; otherwise count it.

        Arguments:
            peer: a transport's ``getPeer()``, or the result of ``source_of``.
            kind: a short description without text of the client.
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
        """Log the numbers counted so far, at the end of the program."""
        if self._timer.is_pending:
            self._timer.cancel()
            self._period_ends()

    def _period_ends(self) -> None:
        counts, self._counts = self._counts, {}
        others, self._others = self._others, 0
        for (source, kind), count in counts.items():
            if count:
                log.warn(
                    "{source}: {count} more refusals ({kind})",
                    source=source,
                    count=count,
                    kind=kind,
                )
        if others:
            log.warn("other addresses: {count} more refusals", count=others)
