"""Limits on connections: in total, from one address, and without a JOIN."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from twistedcam.errors import TooMany
from twistedcam.net.addresses import source_of
from twistedcam.runtime.file_limits import file_limit

#: Files reserved for cameras, recordings and the system.
RESERVED_FILES = 128
#: The reciprocal of the share of all connections that may be unjoined on one port.
UNJOINED_SHARE = 4
#: The least limit on unjoined connections of a port.
MIN_UNJOINED = 16


@dataclass(frozen=True)
class ConnectionLimits:
    """The limits on connections and snapshots.

    Arguments:
        connections: on all ports together.
        per_address: from one IPv4 address or IPv6 network (/64). Connections of this machine are
            not limited.
        unjoined: on the frame port, without an accepted JOIN; on the control port, without a token
            where one is required; on the RTSP port, without a request that is allowed. On each no
            more than a quarter of ``connections``.
        snapshots: per second: over HTTP to one address, and into files of one camera.
    """

    connections: int = 4096
    per_address: int = 256
    unjoined: int = 512
    snapshots: int = 200

    def within(self, files: int | None) -> ConnectionLimits:
        """Return limits that leave some files free.

        Arguments:
            files: the number of files that the process may have open; None for no limit.
        """
        if files is None:
            return self
        most = max(files - RESERVED_FILES, files // 2)
        return replace(self, connections=min(self.connections, most))

    @property
    def unjoined_per_port(self) -> int:
        """The most connections of one port that may be unjoined."""
        return min(self.unjoined, max(MIN_UNJOINED, self.connections // UNJOINED_SHARE))


@dataclass(eq=False)
class Admission:
    """The place of an admitted connection."""

    limiter: ConnectionLimiter = field(repr=False)
    source: str
    #: The port at which the client has to join; None: it has joined, or need not.
    waits_at: str | None

    def joined(self) -> None:
        """Note that the client has joined."""
        if self.waits_at is not None:
            self.limiter._unjoined[self.waits_at] -= 1
            self.waits_at = None

    def count_for(self, peer: Any) -> None:
        """Count the connection for another address, for which a proxy has opened it.

        Raises:
            TooMany: the address has reached its limit.
        """
        limiter, source = self.limiter, source_of(peer)
        if self in limiter._admitted and source != self.source:
            limiter._check_source(source, limiter.limits)
            limiter._uncount(self.source)
            self.source = source
            limiter._by_source[source] += 1

    def leave(self) -> None:
        """Release the place. Further calls do nothing."""
        self.joined()
        if self in self.limiter._admitted:
            self.limiter._admitted.remove(self)
            self.limiter._uncount(self.source)


class ConnectionLimiter:
    """Counts connections and refuses those beyond the limits.

    Arguments:
        limits: the limits, which apply as far as the process may open that many files.
        files: returns the number of files that the process may have open, which can change.
    """

    def __init__(
        self, limits: ConnectionLimits | None = None, files: Callable[[], int | None] = file_limit
    ) -> None:
        self.limits = limits or ConnectionLimits()
        self._files = files
        #: The number of connections that have not joined yet, by port.
        self._unjoined: Counter[str] = Counter()
        #: Files that connections have open in addition.
        self._files_open = 0
        self._admitted: set[Admission] = set()
        self._by_source: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._admitted)

    @property
    def unjoined(self) -> int:
        """The number of connections that have not joined yet."""
        return self._unjoined.total()

    def admit(
        self,
        peer: Any,
        has_to_join: bool = False,
        port: str = "frame",
        is_proxy: bool = False,
    ) -> Admission:
        """Count a new connection.

        Arguments:
            peer: a transport's ``getPeer()``.
            has_to_join: True if the client has to join (Admission.joined).
            port: the name of the port, for a client that has to join.
            is_proxy: True if the client behind the proxy is not known yet (Admission.count_for).

        Raises:
            TooMany: a limit is reached.
        """
        source, limits = source_of(peer), self.limits.within(self._files())
        if self._taken >= limits.connections:
            raise TooMany(f"there are {limits.connections} connections already: try again later")
        if not is_proxy:
            self._check_source(source, limits)
        if has_to_join and self._unjoined[port] >= limits.unjoined_per_port:
            raise TooMany("too many connections wait for their first message: try again later")
        admission = Admission(self, source, port if has_to_join else None)
        self._admitted.add(admission)
        self._by_source[source] += 1
        if has_to_join:
            self._unjoined[port] += 1
        return admission

    def open_file(self) -> Callable[[], None]:
        """Count an additional file of a connection like a connection.

        Returns:
            A function to call when the file is closed.

        Raises:
            TooMany: the limit on connections is reached.
        """
        if self._taken >= self.limits.within(self._files()).connections:
            raise TooMany("the server cannot open more files now: try again later")
        self._files_open += 1
        return self._file_closed

    def _file_closed(self) -> None:
        self._files_open -= 1

    @property
    def _taken(self) -> int:
        return len(self._admitted) + self._files_open

    def _check_source(self, source: str, limits: ConnectionLimits) -> None:
        if not _is_this_machine(source) and self._by_source[source] >= limits.per_address:
            raise TooMany(f"there are {limits.per_address} connections from this address already")

    def _uncount(self, source: str) -> None:
        self._by_source[source] -= 1
        if not self._by_source[source]:
            del self._by_source[source]


def _is_this_machine(source: str) -> bool:
    return source == "unix" or source.startswith("127.") or source == "::/64"
