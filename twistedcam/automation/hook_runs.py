"""Runs of hooks that have not succeeded yet, and the last outcome of each, kept over a restart."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass
from typing import Any

from twistedcam.automation.database import Database
from twistedcam.events import HookChanged


@dataclass
class HookRun:
    """One event that a hook is told of.

    Arguments:
        hook: the hook's name.
        payload: the JSON object that it gets.
        attempts: the number of runs that have failed.
        due: the time of the next run in UNIX seconds.
    """

    id: str
    hook: str
    payload: dict[str, Any]
    attempts: int
    due: float

    @property
    def cause(self) -> str:
        """The event's name, such as ``motion:begin``."""
        return str(self.payload.get("cause", ""))


@dataclass
class HookOutcome:
    """The last outcome of a hook; the fields are those of HookChanged, with its time."""

    hook: str
    state: str
    cause: str
    time: float
    attempts: int
    reason: str | None = None


class HookRuns:
    """Keeps runs and outcomes in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, run: HookRun) -> None:
        """Keep a run, or its new state."""
        row = {**asdict(run), "payload": json.dumps(run.payload, ensure_ascii=False)}
        sql = "INSERT OR REPLACE INTO hook_runs VALUES (:id, :hook, :payload, :attempts, :due)"
        self._database.write(lambda connection: connection.execute(sql, row))

    def remove(self, run: HookRun) -> None:
        """Forget a run: it has succeeded, or will not be tried again."""
        sql = "DELETE FROM hook_runs WHERE id = ?"
        self._database.write(lambda connection: connection.execute(sql, [run.id]))

    def save_outcome(self, outcome: HookOutcome) -> None:
        """Keep the last outcome of a hook."""
        row = asdict(outcome)
        names = ", ".join(f":{name}" for name in row)
        sql = f"INSERT OR REPLACE INTO hook_outcomes VALUES ({names})"
        self._database.write(lambda connection: connection.execute(sql, row))

    async def load(self) -> tuple[list[HookRun], list[HookOutcome]]:
        """Return the runs that were kept, oldest first, and the last outcomes.

        Raises:
            DiskError: the database cannot be read.
        """

        def query(connection: sqlite3.Connection) -> tuple[list[HookRun], list[HookOutcome]]:
            runs = connection.execute("SELECT * FROM hook_runs ORDER BY id").fetchall()
            outcomes = connection.execute("SELECT * FROM hook_outcomes").fetchall()
            return (
                [HookRun(**{**dict(row), "payload": json.loads(row["payload"])}) for row in runs],
                [HookOutcome(**dict(row)) for row in outcomes],
            )

        return await self._database.read(query)


def outcome_of(event: HookChanged, now: float) -> HookOutcome:
    """Return the outcome that an event tells of."""
    return HookOutcome(event.hook, event.state, event.cause, now, event.attempts, event.reason)
