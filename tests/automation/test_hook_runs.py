"""Runs and outcomes of hooks come back after a restart."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import InlineThread
from twistedcam.automation.database import Database
from twistedcam.automation.hook_runs import HookRun, HookRuns, outcome_of
from twistedcam.events import HookChanged


class HookRunTests(SynchronousTestCase):
    def test_runs_and_the_newest_outcome_are_kept(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        runs = HookRuns(Database(Path(folder.name), InlineThread, Clock(), self.fail))
        first = HookRun("1", "upload", {"cause": "recording:finished", "name": "ü.mp4"}, 0, 5.0)
        second = HookRun("2", "alarm", {"cause": "motion:begin"}, 0, 6.0)
        outcomes = [
            outcome_of(HookChanged("door", "alarm", state, "motion:begin", 1, reason), 7.0)
            for state, reason in (("failed", "HTTP 500"), ("succeeded", None))
        ]
        for run in (second, first, HookRun("3", "gone", {}, 0, 1.0)):
            runs.save(run)
        runs.remove(HookRun("3", "gone", {}, 0, 1.0))
        first.attempts, first.due = 2, 9.5
        runs.save(first)
        for outcome in outcomes:
            runs.save_outcome(outcome)
        found = self.successResultOf(Deferred.fromCoroutine(runs.load()))
        self.assertEqual(found, ([first, second], [outcomes[1]]))
        self.assertEqual(found[0][0].cause, "recording:finished")
