"""Events that are kept: what happened, when, and the picture of its best moment."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from twistedcam.automation.database import Database
from twistedcam.recording.library.hidden_folder import HiddenFolder
from twistedcam.recording.writer.disk_space import ROOM, free_bytes
from twistedcam.runtime.threads import Thread, run_in_thread
from twistedcam.util.escaped_name import file_name

log = Logger()

#: The folder of the pictures in the hidden folder, and the most bytes of one.
PICTURES = "events"
MAX_PICTURE = 16 << 20
#: Events and pictures that are kept at most; the oldest go first.
MAX_EVENTS = 100_000
MAX_PICTURES = 10_000
#: Rows that are deleted in one change, so that others do not wait.
_BATCH = 1000


@dataclass
class StoredEvent:
    """An event as it is kept. Times are in UNIX seconds.

    Arguments:
        kind: ``motion``, ``state``, ``fault``, ``recording``, ``hook``, or what user code named.
        what: more about it: the state, the code of a fault, how a recording ended.
        start, end: its time; ``end`` is None while it lasts.
        score: the greatest strength of a motion, from 0 to 100.
        recording: the name of the recording that was running.
        snapshot: True if there is a picture of it.
    """

    id: str
    camera: str | None
    kind: str
    what: str | None
    start: float
    end: float | None = None
    score: float | None = None
    zone: str | None = None
    recording: str | None = None
    snapshot: bool = False
    reason: str | None = None


_COLUMNS = [each.name for each in fields(StoredEvent)]
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM events"
_INSERT = (
    f"INSERT OR REPLACE INTO events ({', '.join(_COLUMNS)}, seen) "
    f"VALUES ({', '.join(f':{each}' for each in _COLUMNS)}, :seen)"
)


class EventStore:
    """Keeps events in a database, and their pictures in files.

    Arguments:
        folder: the recordings folder.
        database: the database.
        make_thread: returns a new thread.
    """

    def __init__(self, folder: Path, database: Database, make_thread: Callable[[], Thread]) -> None:
        self._database = database
        self._folder = folder
        self._hidden = HiddenFolder(folder)
        self._make_thread = make_thread
        self._added = 0
        #: The reason why the last picture could not be written, or "".
        self._picture_fault = ""

    def add(self, event: StoredEvent) -> None:
        """Keep an event, or replace that of the same ID."""
        row = {**asdict(event), "seen": event.end or event.start}
        self._database.write(lambda connection: connection.execute(_INSERT, row))
        self._added += 1
        if self._added % 100 == 1:
            self._database.write(self._delete_surplus)

    def update(self, id: str, **values: Any) -> None:
        """Change fields of an event, if it is still there.

        Arguments:
            values: new values by the fields of StoredEvent; ``seen`` is the last time at which the
                event lasted.
        """
        names = ", ".join(f"{name} = :{name}" for name in values)
        row = {**values, "id": id}
        self._database.write(
            lambda connection: connection.execute(f"UPDATE events SET {names} WHERE id = :id", row)
        )

    def add_picture(self, id: str, jpeg: bytes) -> None:
        """Keep the picture of an event, in place of an earlier one.

        A picture that cannot be written is left out, with a line in the log for the first.
        """

        def write(connection: sqlite3.Connection) -> None:
            found = connection.execute("SELECT 1 FROM events WHERE id = ?", [id]).fetchone()
            if found is None:
                return  # it was deleted meanwhile
            try:
                if free_bytes(self._folder) - len(jpeg) < ROOM:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self._hidden.write(_file(id), jpeg, within=PICTURES)
            except OSError as error:
                reason = error.strerror or str(error)
                if reason != self._picture_fault:
                    log.warn("events have no pictures now: {reason}", reason=reason)
                self._picture_fault = reason
            else:
                self._picture_fault = ""
                connection.execute("UPDATE events SET snapshot = 1 WHERE id = ?", [id])

        self._database.write(write)

    async def picture(self, id: str) -> bytes | None:
        """Return the picture of an event as JPEG, or None if there is none."""

        def read() -> bytes | None:
            try:
                return self._hidden.read(_file(id), MAX_PICTURE, within=PICTURES)[0]
            except OSError:
                return None

        return await run_in_thread(self._make_thread, read)

    async def get(self, id: str) -> StoredEvent | None:
        """Return an event, or None if there is none of that ID.

        Raises:
            DiskError: the database cannot be read.
        """
        rows = await self._database.read(
            lambda connection: connection.execute(f"{_SELECT} WHERE id = ?", [id]).fetchall()
        )
        return _event(rows[0]) if rows else None

    async def find(
        self,
        limit: int,
        *,
        kinds: Sequence[tuple[str | None, str | None]] = (),
        zone: str | None = None,
        since: float | None = None,
        until: float | None = None,
        covers: Callable[[str | None], bool] | None = None,
    ) -> list[StoredEvent]:
        """Return events, newest first.

        Arguments:
            limit: the number of events at most.
            kinds: ``kind`` and ``what`` of the wanted events, None for any; empty: all.
            since: leave out events that ended before this time.
            until: leave out events that began at this time or later.
            covers: True for the cameras whose events are wanted; None for all.

        Raises:
            DiskError: the database cannot be read.
        """
        conditions = ["1"]
        values: list[Any] = []
        for condition, value in (
            ("zone = ?", zone),
            ("(end IS NULL OR end >= ?)", since),
            ("start < ?", until),
        ):
            if value is not None:
                conditions.append(condition)
                values.append(value)

        wanted = []
        for kind, what in kinds:
            named = {"kind": kind, "what": what}.items()
            given = [(name, value) for name, value in named if value is not None]
            wanted.append(" AND ".join(f"{name} = ?" for name, _ in given))
            values += [value for _, value in given]
        if wanted:
            conditions.append(f"({' OR '.join(wanted)})")

        def query(connection: sqlite3.Connection) -> list[sqlite3.Row]:
            if covers is not None:
                cameras = connection.execute("SELECT DISTINCT camera FROM events").fetchall()
                own = [name for (name,) in cameras if name is not None and covers(name)]
                conditions.append(f"camera IN ({', '.join('?' * len(own))})")
                values.extend(own)
            where = " AND ".join(conditions)
            sql = f"{_SELECT} WHERE {where} ORDER BY start DESC, id DESC LIMIT ?"
            return connection.execute(sql, [*values, limit]).fetchall()

        return [_event(row) for row in await self._database.read(query)]

    def end_unfinished(self) -> None:
        """End the events that a server left unfinished when it was killed."""
        self._database.write(
            lambda connection: connection.execute(
                "UPDATE events SET end = max(start, seen) WHERE end IS NULL"
            )
        )

    def rename_recording(self, before: str, after: str) -> None:
        """Change the name of a recording in its events."""
        self._database.write(
            lambda connection: connection.execute(
                "UPDATE events SET recording = ? WHERE recording = ?", [after, before]
            )
        )

    def forget_recording(self, name: str, camera: str) -> None:
        """Delete the events of a recording that was deleted.

        Arguments:
            camera: its camera if it was deleted because of a limit: the events before it, which
                have no recording, are as old as those of recordings that are gone. Otherwise "".
        """

        def delete(connection: sqlite3.Connection) -> None:
            (start,) = connection.execute(
                "SELECT min(start) FROM events WHERE recording = ?", [name]
            ).fetchone()
            self._delete(connection, "recording = ?", [name])
            if camera and start is not None:
                older = "camera = ? AND start < ? AND recording IS NULL AND end IS NOT NULL"
                self._delete(connection, older, [camera, start])

        self._database.write(delete)

    def delete_before(self, times: Mapping[str, float], other: float | None) -> None:
        """Delete old events; those of a recording only if that is gone.

        Arguments:
            times: for some cameras, the time before which their events are deleted.
            other: the same for all others; None to keep them.
        """

        def delete(connection: sqlite3.Connection) -> None:
            for camera, time in times.items():
                self._delete_old(connection, "camera = ? AND start < ?", [camera, time])
            if other is not None:
                named = ", ".join("?" * len(times))
                condition = f"start < ? AND (camera IS NULL OR camera NOT IN ({named}))"
                self._delete_old(connection, condition, [other, *times])

        self._database.write(delete)

    def _delete_old(
        self, connection: sqlite3.Connection, condition: str, values: list[Any]
    ) -> None:
        self._delete(connection, f"{condition} AND recording IS NULL", values)
        sql = f"SELECT DISTINCT recording FROM events WHERE {condition} AND recording IS NOT NULL"
        for (name,) in connection.execute(sql, values).fetchall():
            if not (self._folder / file_name(name)).exists():  # it may be protected
                self._delete(connection, "recording = ?", [name])

    def _delete_surplus(self, connection: sqlite3.Connection) -> None:
        (count,) = connection.execute("SELECT count(*) FROM events").fetchone()
        if count > MAX_EVENTS:
            condition = "id IN (SELECT id FROM events ORDER BY start, id LIMIT ?)"
            self._delete(connection, condition, [min(count - MAX_EVENTS, _BATCH)])
        surplus = connection.execute(
            "SELECT id FROM events WHERE snapshot ORDER BY start DESC, id DESC LIMIT ? OFFSET ?",
            [_BATCH, MAX_PICTURES],
        ).fetchall()
        self._delete_pictures(connection, [id for (id,) in surplus])

    def _delete(self, connection: sqlite3.Connection, condition: str, values: list[Any]) -> None:
        """Delete events and their pictures."""
        rows = connection.execute(
            f"SELECT id FROM events WHERE snapshot AND {condition}", values
        ).fetchall()
        self._delete_pictures(connection, [id for (id,) in rows])
        connection.execute(f"DELETE FROM events WHERE {condition}", values)

    def _delete_pictures(self, connection: sqlite3.Connection, ids: list[str]) -> None:
        for id in ids:
            try:
                self._hidden.remove(_file(id), within=PICTURES)
            except OSError as error:  # a leftover does no harm
                log.warn("the picture of an event stays: {reason}", reason=str(error))
            connection.execute("UPDATE events SET snapshot = 0 WHERE id = ?", [id])


def _file(id: str) -> str:
    return f"{id}.jpg"


def _event(row: sqlite3.Row) -> StoredEvent:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["snapshot"] = bool(values["snapshot"])
    return StoredEvent(**values)
