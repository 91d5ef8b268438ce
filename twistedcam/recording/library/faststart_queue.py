"""Moves the index of large files to their front, one file at a time, on a thread of its own."""

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

#: Changes after which a file is complete.
_COMPLETE = frozenset({"segment", "finished", "failed", "saved", "recovered"})


class FaststartQueue:
    """Handles each MP4 and MOV when it is complete. Small ones have their index in front already.

    Arguments:
        reserve: returns the bytes that must stay free on the disk.
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
        events.subscribe(self._on_event)

    def stop(self) -> None:
        """Stop, and cancel the copy that is being made."""
        self._is_running = False
        self._waiting.clear()

    def _on_event(self, event: Event) -> None:
        if not isinstance(event, RecordingChanged):
            return
        if event.what == "renamed" and event.before and event.before in self._waiting:
            self._waiting[self._waiting.index(event.before)] = event.name
        if event.what not in _COMPLETE:
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
        moving.addErrback(self._on_failed, path).addCallback(self._on_moved)

    def _on_moved(self, _: object) -> None:
        if self._waiting:
            self._next()
        elif self._thread is not None:
            self._thread.end()
            self._thread = None

    def _on_failed(self, why: Failure, path: Path) -> None:
        """The file is unchanged: it plays, but starts later."""
        if why.check(FileNotFoundError) is None:
            reason = why.getErrorMessage()
            log.info("{name} keeps its index at its end: {why}", name=path.name, why=reason)


def _move(path: Path, reserve: int, goes_on: Callable[[], bool]) -> bool:
    try:
        return move_index_to_front(path, reserve, goes_on)
    except struct.error as error:
        raise ValueError(f"its index cannot be read: {error}") from None
