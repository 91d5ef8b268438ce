"""The SQLite database of events and hooks, in the hidden folder of the recordings."""

from __future__ import annotations

import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.errors import DiskError
from twistedcam.recording.library.hidden_folder import HiddenFolder
from twistedcam.runtime.regular_file import is_regular
from twistedcam.runtime.threads import Thread, run_in_thread
from twistedcam.runtime.timer import Timer

log = Logger()

T = TypeVar("T")

FILE = "events.sqlite"
#: The suffix of a damaged file, which is kept.
DAMAGED = ".damaged"
VERSION = 1
#: Seconds between two attempts on a disk that cannot be written.
RETRY = 10.0
#: Changes that wait at most, for a disk that cannot be written.
MAX_WAITING = 2000
#: Seconds to wait for another process that uses the file.
_LOCKED = 5.0
_DAMAGED_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS events (
    id TEXT PRIMARY KEY, camera TEXT, kind TEXT NOT NULL, what TEXT,
    start REAL NOT NULL, end REAL, seen REAL NOT NULL,
    score REAL, zone TEXT, recording TEXT, snapshot INTEGER NOT NULL DEFAULT 0, reason TEXT
);
CREATE INDEX IF NOT EXISTS events_start ON events (start, id);
CREATE INDEX IF NOT EXISTS events_camera ON events (camera, start, id);
CREATE INDEX IF NOT EXISTS events_recording ON events (recording);
CREATE TABLE IF NOT EXISTS hook_runs (
    id TEXT PRIMARY KEY, hook TEXT NOT NULL, payload TEXT NOT NULL,
    attempts INTEGER NOT NULL, due REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS hook_outcomes (
    hook TEXT PRIMARY KEY, state TEXT NOT NULL, cause TEXT NOT NULL, time REAL NOT NULL,
    attempts INTEGER NOT NULL, reason TEXT
);
PRAGMA user_version = {VERSION};
COMMIT;
"""

#: A change of the database; called on a thread.
Write = Callable[[sqlite3.Connection], object]


class Database:
    """Reads and changes the database, on threads. Its own methods are called on the reactor's.

    The file is opened for each batch of changes and each question, and closed after it, so that
    the disk can be replaced or unmounted at any time. Changes wait while it cannot be written. A
    damaged file is renamed, and a new one begun.

    Arguments:
        folder: the recordings folder.
        make_thread: returns a new thread.
        clock: measures the time between attempts.
        on_fault: called with the reason when the database cannot be used, once for each reason
            until it can be used again.
        check: raises DiskError if the folder must not be used now. Called on a thread.
    """

    def __init__(
        self,
        folder: Path,
        make_thread: Callable[[], Thread],
        clock: IReactorTime,
        on_fault: Callable[[str], None],
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._hidden = HiddenFolder(folder)
        self._make_thread = make_thread
        self._on_fault = on_fault
        self._check = check
        self._retry = Timer(clock)
        self._waiting: deque[Write] = deque(maxlen=MAX_WAITING)
        #: The batch that is being written.
        self._writing: Deferred[None] | None = None
        #: The reason why the database cannot be used, or None.
        self.fault: str | None = None
        #: True after the end: nothing is tried again.
        self._has_ended = False
        #: The new name of a damaged file, until that is reported.
        self._set_aside_as: str | None = None

    def write(self, change: Write) -> None:
        """Make a change, after those before it. It is made as soon as that is possible."""
        self._waiting.append(change)
        if not self._retry.is_pending:
            self._write_all()

    def flush(self) -> Deferred[None]:
        """Wait until all changes so far are made, or until one has failed."""
        if self._writing is None:
            return succeed(None)
        done: Deferred[None] = Deferred()

        def on_written(result: None) -> None:
            done.callback(None)

        self._writing.addCallback(on_written)
        return done

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``query`` returns, which is called on a thread.

        Raises:
            DiskError: the database cannot be used; the message has the reason.
        """
        await self.flush()
        try:
            return await run_in_thread(self._make_thread, lambda: self._read(query))
        except (OSError, sqlite3.Error, DiskError) as error:
            raise DiskError(_reason(error)) from error
        finally:
            self._report_damage()

    def close(self) -> Deferred[None]:
        """Make the last changes, and try no more if that fails."""
        self._has_ended = True
        self._retry.cancel()
        if self._waiting and self._writing is None:
            self._write_all()
        return self.flush()

    def _write_all(self) -> None:
        if self._writing is not None or not self._waiting:
            return
        writing: Deferred[None] = Deferred()
        self._writing = writing
        made = run_in_thread(self._make_thread, self._write_batches)
        made.addCallbacks(lambda _: self._on_written(), self._on_failed)
        made.addErrback(lambda why: log.failure("keeping events failed", failure=why))

        def finish(_: object) -> None:
            self._writing = None
            writing.callback(None)
            if self.fault is None:
                self._write_all()

        made.addCallback(finish)

    def _on_written(self) -> None:
        if self.fault is not None:
            log.info("events are kept again")
        self.fault = None
        self._report_damage()

    def _report_damage(self) -> None:
        name, self._set_aside_as = self._set_aside_as, None
        if name is not None:
            self._report(f"earlier events are lost: {FILE} was damaged, and is now {name}")

    def _report(self, reason: str) -> None:
        log.error("{reason}", reason=reason)
        self._on_fault(reason)

    def _on_failed(self, why: Failure) -> None:
        error = why.value
        reason = "an internal error occurred; the log has more"
        if isinstance(error, (OSError, sqlite3.Error, DiskError)):
            reason = _reason(error)
            if not self._has_ended:
                self._retry.start(RETRY, self._write_all)
        else:
            self._waiting.clear()  # an error of the program: the same would happen again
            log.failure("keeping events failed", failure=why)
        is_new, self.fault = reason != self.fault, reason
        if is_new:
            self._report(f"events are not kept: {reason}")

    def _write_batches(self) -> None:
        """Make all waiting changes. Called on a thread."""
        while self._waiting:
            batch: list[Write] = []

            def make(connection: sqlite3.Connection, batch: list[Write] = batch) -> None:
                for change in batch:  # of a file that was damaged
                    _try_change(change, connection)
                with suppress(IndexError):
                    while True:
                        change = self._waiting.popleft()
                        batch.append(change)
                        _try_change(change, connection)
                connection.commit()

            try:
                self._use(make)
            except BaseException:
                self._waiting.extendleft(reversed(batch))
                raise

    def _use(self, call: Callable[[sqlite3.Connection], T]) -> T:
        """Open the database, make the call, and close it."""
        try:
            with self._opened() as connection:
                return call(connection)
        except sqlite3.DatabaseError as error:
            if _code(error) not in _DAMAGED_CODES:
                raise
            self._set_aside()
        with self._opened() as connection:
            return call(connection)

    def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Answer a question, from a disk that is full or read-only, too."""
        try:
            return self._use(query)
        except (OSError, sqlite3.OperationalError):
            path = self._hidden.path.absolute() / FILE
            if not is_regular(path):
                raise
            # What is not in the main file yet is left out.
            uri = f"{path.as_uri()}?immutable=1"
            with closing(sqlite3.connect(uri, uri=True)) as connection, suppress(sqlite3.Error):
                connection.row_factory = sqlite3.Row
                return query(connection)
            raise

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        self._check()
        self._hidden.path.parent.mkdir(parents=True, exist_ok=True)
        path = self._hidden.make(FILE)
        with closing(sqlite3.connect(path, timeout=_LOCKED)) as connection:
            connection.row_factory = sqlite3.Row
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise DiskError(
                    f"{path} was made by a newer version of twistedcam (its schema is {version})"
                )
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            if version < VERSION:
                connection.executescript(_SCHEMA)
            yield connection

    def _set_aside(self) -> None:
        """Rename a damaged file. Its journal cannot belong to the new one."""
        path = self._hidden.path / FILE
        os.replace(path, f"{path}{DAMAGED}")
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.unlink(f"{path}{suffix}")
        self._set_aside_as = f"{path}{DAMAGED}"


def _try_change(change: Write, connection: sqlite3.Connection) -> None:
    """Make a change; leave it out if it is invalid, because the same would happen again."""
    try:
        change(connection)
    except (sqlite3.ProgrammingError, sqlite3.IntegrityError, ValueError, OverflowError):
        log.failure("an event could not be kept")


def _code(error: sqlite3.Error) -> int:
    """Return the primary error code of SQLite; 0 if the error is Python's own."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _reason(error: BaseException) -> str:
    """Return the reason of an error in a line."""
    if isinstance(error, OSError):
        return f"{error.filename or FILE}: {error.strerror or error}"
    return f"{FILE}: {error}" if isinstance(error, sqlite3.Error) else str(error)
