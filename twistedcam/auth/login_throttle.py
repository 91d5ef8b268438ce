"""Delays logins from an address after wrong tokens, longer each time."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from twistedcam.errors import Unauthorized
from twistedcam.runtime.backoff import Backoff

#: Seconds that a login waits after the first wrong token. The wait doubles with each one.
FIRST_WAIT = 0.25
LONGEST_WAIT = 8.0
#: Seconds without a login after which an address is forgotten.
FORGET_AFTER = 60.0
#: Logins of one address that may wait. Others are refused without a check.
MAX_WAITING = 8
#: Addresses to remember. Beyond it the one with the oldest failure is forgotten.
MAX_ADDRESSES = 4096
_BACKOFF = Backoff(FIRST_WAIT, LONGEST_WAIT)


@dataclass
class _Record:
    failures: int = 0
    free_at: float = 0.0
    waiting: int = 0

    @property
    def wait(self) -> float:
        return _BACKOFF.after(self.failures)


class LoginThrottle:
    """Counts wrong tokens by address.

    Arguments:
        clock: the time of the delays.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock: Any = clock
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def is_slowed(self, address: str) -> bool:
        """True if a login from an address has to wait now."""
        record = self._record(address)
        return record is not None and record.free_at > self._clock.seconds()

    def wait_turn(self, address: str) -> Deferred[None]:
        """Fire when a login from an address may be checked: at once if there was no recent failure.

        Raises:
            Unauthorized: too many logins wait already.
        """
        record, now = self._record(address), self._clock.seconds()
        if record is None or record.free_at <= now:
            return succeed(None)
        if record.waiting >= MAX_WAITING:
            raise Unauthorized("too many wrong tokens came from this address: wait a minute")
        wait = record.free_at - now
        record.free_at += record.wait
        record.waiting += 1

        def over(result: Any) -> Any:
            record.waiting -= 1
            return result

        turn: Deferred[None] = deferLater(self._clock, wait)
        return turn.addBoth(over)

    def failed(self, address: str) -> None:
        """Count a wrong token from an address."""
        record = self._record(address) or _Record()
        record.failures += 1
        record.free_at = max(record.free_at, self._clock.seconds()) + record.wait
        self._records[address] = record
        self._records.move_to_end(address)
        while len(self._records) > MAX_ADDRESSES:
            self._records.popitem(last=False)

    def _record(self, address: str) -> _Record | None:
        record = self._records.get(address)
        if record is None:
            return None
        if self._clock.seconds() - record.free_at > FORGET_AFTER:
            del self._records[address]
            return None
        return record
