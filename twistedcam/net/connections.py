"""The connections of a port, and when the last is gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred, succeed

T = TypeVar("T")


class Connections(Generic[T]):
    """A set of connections that can be waited for."""

    def __init__(self) -> None:
        self._open: set[T] = set()
        self._waiting: list[Deferred[None]] = []

    def __iter__(self) -> Iterator[T]:
        return iter(tuple(self._open))

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, connection: object) -> bool:
        return connection in self._open

    def add(self, connection: T) -> None:
        """One more."""
        self._open.add(connection)

    def discard(self, connection: T) -> None:
        """One is gone; nothing happens if that is known already."""
        self._open.discard(connection)
        if not self._open:
            waiting, self._waiting = self._waiting, []
            for each in waiting:
                each.callback(None)

    def when_empty(self) -> Deferred[None]:
        """Fires when there is none any more."""
        if not self._open:
            return succeed(None)
        waiting: Deferred[None] = Deferred(lambda each: self._waiting.remove(each))
        self._waiting.append(waiting)
        return waiting
