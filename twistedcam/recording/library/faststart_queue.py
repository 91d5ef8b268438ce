"""Moves the index of long films to their front, one after the other, in a thread of its own."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from pathlib import Path

from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.events import Event, EventBus, RecordingChanged
from twistedcam.recording.writer.faststart import SUFFIXES, move_index_to_front
from twistedcam.runtime.threads import Thread

log = Logger()

#: After these, there is a film that is complete.
_COMPLETE = frozenset({"segment", "finished", "failed", "saved", "recovered"})


class IndexMover:
    """Looks at each film when it is complete. Short ones have their index in front already.

    Arguments:
        folder: where the recordings are.
        events: where it hears of recordings.
        make_thread: gives a thread to copy on.
        reserve: bytes that have to stay free on the disk.
    """

    def __init__(
        self,
        folder: Path,
        events: EventBus,
        make_thread: Callable[[], Thread],
        reserve: Callable[[], int] = lambda: 0,
    ) -> None:
        self._folder = folder
        self._make_thread = make_thread
        self._reserve = reserve
        self._waiting: deque[str] = deque()
        self._thread: Thread | None = None
        self._is_running = True
        events.subscribe(self._heard)

    def stop(self) -> None:
        """Move no more; what is under way is given up."""
        self._is_running = False
        self._waiting.clear()

    def _heard(self, event: Event) -> None:
        if not isinstance(event, RecordingChanged) or event.what not in _COMPLETE:
            return
        if self._is_running and Path(event.name).suffix.lower() in SUFFIXES and event.bytes:
            if event.name not in self._waiting:
                self._waiting.append(event.name)
            if self._thread is None:
                self._next()

    def _next(self) -> None:
        path = self._folder / self._waiting.popleft()
        reserve = self._reserve()
        self._thread = self._thread or self._make_thread()
        moving = self._thread.run(lambda: _move(path, reserve, lambda: self._is_running))
        moving.addErrback(self._failed, path).addCallback(self._moved)

    def _moved(self, _: object) -> None:
        if self._waiting:
            self._next()
        elif self._thread is not None:
            self._thread.end()
            self._thread = None

    def _failed(self, why: Failure, path: Path) -> None:
        """The film is as it was: it plays, and starts later."""
        if why.check(FileNotFoundError) is None:
            reason = why.getErrorMessage()
            log.info("{name} keeps its index at its end: {why}", name=path.name, why=reason)


def _move(path: Path, reserve: int, goes_on: Callable[[], bool]) -> bool:
    try:
        return move_index_to_front(path, reserve, goes_on)
    except struct.error as error:
        raise ValueError(f"its index cannot be read: {error}") from None
