"""Limits on connections: in all, from one address, and without a JOIN."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from twistedcam.errors import TooMany
from twistedcam.net.addresses import source_of
from twistedcam.runtime.file_limits import file_limit

#: Files kept back for cameras, recordings and the system, so that no viewer can take them.
RESERVED_FILES = 128
#: One in so many of all connections, at most, may be unjoined on each of the ports where one joins.
UNJOINED_SHARE = 4
#: But so many may be, where there is room for few connections.
LEAST_SHARE = 16


@dataclass(frozen=True)
class ConnectionLimits:
    """The limits on connections and snapshots.

    Arguments:
        connections: on all ports together.
        per_address: from one IPv4 address or IPv6 network of 64 bits. This machine's own programs
            are not counted: a program on it has simpler ways to fill it.
        unjoined: on the frame port, of those who have not sent a JOIN that was taken; on the
            control port, of those who have not shown a token, where there are tokens. On each no
            more than a quarter of all connections that there may be.
        snapshots: in a second: over HTTP to one address, into files of one camera.
    """

    connections: int = 4096
    per_address: int = 256
    unjoined: int = 512
    snapshots: int = 200

    def within(self, files: int | None) -> ConnectionLimits:
        """The same, but no more connections than leave some files free.

        Arguments:
            files: how many the process may have open; None: as many as it likes.
        """
        if files is None:
            return self
        most = max(files - RESERVED_FILES, files // 2)
        return replace(self, connections=min(self.connections, most))

    @property
    def share(self) -> int:
        """The number of connections of one port that may be unjoined."""
        return min(self.unjoined, max(LEAST_SHARE, self.connections // UNJOINED_SHARE))


@dataclass(eq=False)
class Admission:
    """The place of a connection that was admitted."""

    limiter: ConnectionLimiter = field(repr=False)
    source: str
    #: The port at which the client has to send what it wants; None: it has, or need not.
    waits_at: str | None

    def joined(self) -> None:
        """Note that the client has sent what it wants."""
        if self.waits_at is not None:
            self.limiter._unjoined[self.waits_at] -= 1
            self.waits_at = None

    def count_for(self, peer: Any) -> None:
        """Count it against another address: a proxy has opened it for that one.

        Raises:
            TooMany: there are as many connections from there as there may be.
        """
        limiter, source = self.limiter, source_of(peer)
        if self in limiter._admitted and source != self.source:
            limiter._check_source(source, limiter.limits)
            limiter._uncount(self.source)
            self.source = source
            limiter._by_source[source] += 1

    def leave(self) -> None:
        """Release the place; nothing happens if that was done already."""
        self.joined()
        if self in self.limiter._admitted:
            self.limiter._admitted.remove(self)
            self.limiter._uncount(self.source)


class ConnectionLimiter:
    """Admits connections as long as there is room.

    Arguments:
        limits: how much room there is, as long as there are files enough.
        files: how many the process may have open now: that can be changed from outside.
    """

    def __init__(
        self, limits: ConnectionLimits | None = None, files: Callable[[], int | None] = file_limit
    ) -> None:
        self.limits = limits or ConnectionLimits()
        self._files = files
        #: The number of connections that have yet to send what they want, by port.
        self._unjoined: Counter[str] = Counter()
        #: Files that connections have open beside themselves.
        self._files_open = 0
        self._admitted: set[Admission] = set()
        self._by_source: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._admitted)

    @property
    def unjoined(self) -> int:
        """The number of connections that have yet to send what they want."""
        return self._unjoined.total()

    def admit(
        self,
        peer: Any,
        has_to_join: bool = False,
        port: str = "frame",
        is_proxy: bool = False,
    ) -> Admission:
        """Count one more connection.

        Arguments:
            peer: a transport's ``getPeer()``.
            has_to_join: the client has to send what it wants first (Admission.joined).
            port: the name of the port, for a client that has to.
            is_proxy: the client behind the proxy is not known yet (Admission.count_for).

        Raises:
            TooMany: there is no room.
        """
        source, limits = source_of(peer), self.limits.within(self._files())
        if self._taken >= limits.connections:
            raise TooMany(f"there are {limits.connections} connections already: try again later")
        if not is_proxy:
            self._check_source(source, limits)
        if has_to_join and self._unjoined[port] >= limits.share:
            raise TooMany("too many have connected and said nothing: try again later")
        admission = Admission(self, source, port if has_to_join else None)
        self._admitted.add(admission)
        self._by_source[source] += 1
        if has_to_join:
            self._unjoined[port] += 1
        return admission

    def open_file(self) -> Callable[[], None]:
        """Count one more open file of a connection, which takes the room of a connection.

        Returns:
            To be called when it is closed.

        Raises:
            TooMany: there is no room.
        """
        if self._taken >= self.limits.within(self._files()).connections:
            raise TooMany("all files that are to be had are in use: try again later")
        self._files_open += 1
        return self._file_closed

    def _file_closed(self) -> None:
        self._files_open -= 1

    @property
    def _taken(self) -> int:
        return len(self._admitted) + self._files_open

    def _check_source(self, source: str, limits: ConnectionLimits) -> None:
        if not _is_own(source) and self._by_source[source] >= limits.per_address:
            raise TooMany(f"there are {limits.per_address} connections from this address already")

    def _uncount(self, source: str) -> None:
        self._by_source[source] -= 1
        if not self._by_source[source]:
            del self._by_source[source]


def _is_own(source: str) -> bool:
    return source == "unix" or source.startswith("127.") or source == "::/64"
