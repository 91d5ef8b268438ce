"""Whether a camera has another size for good, or its pictures are of changing sizes."""

from __future__ import annotations

#: A size has settled when so many pictures in a row have had it, for so many microseconds.
PICTURES = 3
SETTLED = 1_000_000
#: Microseconds from one change of the size to the next one at least.
APART = 10_000_000

Size = tuple[int, int]


class SizeChanges:
    """Follows the pictures that have another size than the file or stream under way.

    A source that changes its size twice a second would else make a file, and a new connection to
    each publish target, for each change. Times are microseconds on a clock that is never set.
    """

    def __init__(self) -> None:
        self._size: Size | None = None
        self._since = self._count = 0
        self._changed_at: int | None = None
        self._returned_at: int | None = None

    def has_settled(self, size: Size, time: int) -> bool:
        """A picture of another size has come: whether a file or stream of that size may begin."""
        if size != self._size:
            self._size, self._since, self._count = size, time, 0
        self._count += 1
        lasts = self._count >= PICTURES and time - self._since >= SETTLED
        return lasts and not _is_recent(self._changed_at, time)

    def may_settle(self, time: int) -> bool:
        """Whether nothing speaks against it that the new size would last."""
        return not _is_recent(self._changed_at, time) and not _is_recent(self._returned_at, time)

    def returned(self, time: int) -> None:
        """A picture of the size under way has come, or of a third one."""
        if self._size is not None:
            self._size, self._returned_at = None, time

    def changed(self, time: int) -> None:
        """A file or stream of another size has begun."""
        self._size, self._changed_at = None, time


def _is_recent(at: int | None, time: int) -> bool:
    return at is not None and time - at < APART
