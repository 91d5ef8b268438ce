"""Who may go first: a segment before the playlist that lists it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

_PLAYLIST = b"#EXTM3U"
#: Seconds that a playlist waits at most for what it lists.
_PATIENCE = 10.0


class Turns:
    """Keeps uploads in order that come on connections of their own."""

    def __init__(self) -> None:
        self._under_way: Counter[bytes] = Counter()
        self._changed = threading.Condition()
        self._playlists = threading.Lock()

    @contextmanager
    def under_way(self, path: str) -> Iterator[None]:
        """Something is on its way there, from its first byte to its answer."""
        name = path.partition("?")[0].rpartition("/")[2].encode()
        with self._changed:
            self._under_way[name] += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= Counter([name])
                self._changed.notify_all()

    @contextmanager
    def turn(self, body: bytes) -> Iterator[None]:
        """Wait until this may go: playlists go one by one, after what they list."""
        if not body.startswith(_PLAYLIST):
            yield
            return
        with self._playlists:
            lines = set(body.split())
            with self._changed:
                self._changed.wait_for(lambda: not lines & set(self._under_way), _PATIENCE)
            yield
