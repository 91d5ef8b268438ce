"""Tells a lasting change of a camera's picture size from sizes that change all the time."""

from __future__ import annotations

#: A new size lasts if this many pictures in a row have it, over this many microseconds.
PICTURES = 3
SETTLED = 1_000_000
#: The minimum number of microseconds between two changes.
MIN_DISTANCE = 10_000_000

Size = tuple[int, int]


class SizeChanges:
    """Observes pictures that have another size than the current file or stream.

    Without it, a source that changes its size twice a second would cause a new file, and a new
    connection to each publish target, for each change. Times are microseconds on a monotonic clock.
    """

    def __init__(self) -> None:
        self._size: Size | None = None
        self._since = self._count = 0
        self._changed_at: int | None = None
        self._returned_at: int | None = None

    def has_settled(self, size: Size, time: int) -> bool:
        """Note a picture of another size. Return True if a file or stream of it may begin."""
        if size != self._size:
            self._size, self._since, self._count = size, time, 0
        self._count += 1
        lasts = self._count >= PICTURES and time - self._since >= SETTLED
        return lasts and not _is_recent(self._changed_at, time)

    def may_settle(self, time: int) -> bool:
        """True if there was no recent change or return of the size."""
        return not _is_recent(self._changed_at, time) and not _is_recent(self._returned_at, time)

    def returned(self, time: int) -> None:
        """Note a picture that has the current size, or a third one."""
        if self._size is not None:
            self._size, self._returned_at = None, time

    def changed(self, time: int) -> None:
        """Note that a file or stream of another size has begun."""
        self._size, self._changed_at = None, time


def _is_recent(at: int | None, time: int) -> bool:
    return at is not None and time - at < MIN_DISTANCE
