"""The database survives a kill, a full disk, damage and a newer version."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import InlineThread
from twistedcam.automation import database
from twistedcam.automation.database import FILE, RETRY, Database
from twistedcam.errors import DiskError
from twistedcam.recording.library.hidden_folder import HIDDEN, HiddenFolder

INSERT = "INSERT INTO hook_runs VALUES (?, 'hook', '{}', 1, 2.0)"


class DatabaseTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.path = self.folder / HIDDEN / FILE
        self.clock = Clock()
        self.faults: list[str] = []
        self.problem: str | None = None
        self.database = self.open()

    def open(self) -> Database:
        return Database(self.folder, InlineThread, self.clock, self.faults.append, self.check)

    def check(self) -> None:
        if self.problem is not None:
            raise DiskError(self.problem)

    def add(self, id: str) -> None:
        self.database.write(lambda connection: connection.execute(INSERT, [id]))

    def ids(self) -> list[str]:
        return self.successResultOf(
            Deferred.fromCoroutine(
                self.database.read(
                    lambda connection: [
                        id for (id,) in connection.execute("SELECT id FROM hook_runs ORDER BY id")
                    ]
                )
            )
        )

    def test_changes_are_kept_over_a_restart_in_a_file_for_the_owner_only(self) -> None:
        self.add("a")
        self.add("b")
        self.successResultOf(self.database.close())
        self.database = self.open()
        self.assertEqual(self.ids(), ["a", "b"])
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.faults, [])

    def test_changes_wait_for_a_disk_that_cannot_be_written_with_one_fault(self) -> None:
        self.problem = "/media/disk is not mounted"
        self.add("a")
        self.clock.advance(RETRY)
        self.add("b")
        self.clock.advance(RETRY)
        self.assertEqual(self.faults, ["events are not kept: /media/disk is not mounted"])
        self.assertFalse(self.path.exists())
        self.problem = None
        self.clock.advance(RETRY)
        self.assertEqual(self.ids(), ["a", "b"])
        self.problem = "/media/disk is not mounted"
        self.add("c")
        self.assertEqual(len(self.faults), 2)

    def test_a_folder_that_was_deleted_is_made_again(self) -> None:
        self.folder = self.folder / "recordings"
        self.database = self.open()
        self.add("a")
        shutil.rmtree(self.folder)
        self.add("b")
        self.assertEqual((self.ids(), self.faults), (["b"], []))

    def test_a_read_only_disk_has_one_fault_and_what_is_there_can_be_read(self) -> None:
        self.add("a")

        def make(hidden: HiddenFolder, name: str) -> Path:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), name)

        self.patch(HiddenFolder, "make", make)
        self.add("b")
        self.clock.advance(RETRY)
        self.assertEqual(self.faults, ["events are not kept: events.sqlite: Read-only file system"])
        self.assertEqual(self.ids(), ["a"])

    def test_a_question_fails_with_the_reason_of_the_disk(self) -> None:
        self.problem = "/media/disk is not mounted"
        failed = self.failureResultOf(
            Deferred.fromCoroutine(self.database.read(lambda connection: None))
        )
        self.assertEqual(failed.type, DiskError)
        self.assertIn("not mounted", failed.getErrorMessage())

    def test_a_full_disk_loses_no_change(self) -> None:
        self.add("a")
        is_full = True

        def change(connection: sqlite3.Connection) -> None:
            if is_full:
                connection.execute("PRAGMA max_page_count = 1")
            connection.execute("CREATE TABLE filler AS SELECT zeroblob(100000)")
            connection.execute(INSERT, ["b"])

        self.database.write(change)
        self.assertEqual(
            self.faults, ["events are not kept: events.sqlite: database or disk is full"]
        )
        is_full = False
        self.clock.advance(RETRY)
        self.assertEqual(self.ids(), ["a", "b"])

    def test_a_damaged_file_is_renamed_and_a_new_one_begun(self) -> None:
        self.add("a")
        self.path.write_bytes(b"no database" * 1000)
        self.add("b")
        self.assertEqual(self.ids(), ["b"])
        [fault] = self.faults
        self.assertIn("was damaged, and is now", fault)
        self.assertEqual(Path(f"{self.path}.damaged").read_bytes()[:11], b"no database")

    def test_a_file_of_a_newer_version_stays_as_it_is(self) -> None:
        self.add("a")
        with sqlite3.connect(self.path) as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
        self.add("b")
        self.assertIn("newer version", self.faults[0])
        connection = sqlite3.connect(self.path)
        self.assertEqual(connection.execute("SELECT count(*) FROM hook_runs").fetchone(), (1,))
        connection.close()

    def test_a_link_in_place_of_the_file_is_not_followed(self) -> None:
        self.add("a")
        elsewhere = self.folder / "elsewhere"
        os.replace(self.path, elsewhere)
        self.path.symlink_to(elsewhere)
        before = elsewhere.read_bytes()
        self.add("b")
        self.assertEqual(elsewhere.read_bytes(), before)
        self.assertEqual(len(self.faults), 1)

    def test_an_invalid_change_does_not_stop_those_after_it(self) -> None:
        self.add("a")
        self.add("a")  # the ID is taken
        self.add("b")
        self.assertEqual(self.ids(), ["a", "b"])
        self.assertEqual(len(self.flushLoggedErrors(sqlite3.IntegrityError)), 1)

    def test_at_most_some_changes_wait(self) -> None:
        self.patch(database, "MAX_WAITING", 3)
        self.database = self.open()
        self.problem = "full"
        for number in range(6):
            self.add(str(number))
        self.problem = None
        self.clock.advance(RETRY)
        self.assertEqual(self.ids(), ["3", "4", "5"])

    def test_after_the_end_nothing_is_tried_again(self) -> None:
        self.problem = "full"
        self.add("a")
        self.successResultOf(self.database.close())
        self.assertEqual(self.clock.getDelayedCalls(), [])


KILLED = """
import os, signal, sys
from pathlib import Path
from twisted.internet.task import Clock
from tests.support.fakes import InlineThread
from twistedcam.automation.database import Database
database = Database(Path(sys.argv[1]), InlineThread, Clock(), print)
database.write(lambda connection: connection.execute(sys.argv[2], ["a"]))

def die(connection):
    connection.execute(sys.argv[2], ["b"])
    os.kill(os.getpid(), signal.SIGKILL)

database.write(die)
"""


def test_a_kill_in_the_middle_of_a_change_keeps_those_before_it(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), INSERT], check=False)
    assert ended.returncode == -signal.SIGKILL
    connection = sqlite3.connect(tmp_path / HIDDEN / FILE)
    assert connection.execute("SELECT id FROM hook_runs").fetchall() == [("a",)]
    connection.close()
