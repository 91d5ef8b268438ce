"""Hooks run a few at once, again after a failure, and again after a restart."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import InlineThread, ManualThread
from twistedcam.automation import hook_runner
from twistedcam.automation.database import Database
from twistedcam.automation.event_store import PICTURES
from twistedcam.automation.hook_actions import ActionFailed
from twistedcam.automation.hook_runner import MAX_RUNNING, PICTURE_WAIT, RETRY_FIRST, HookRunner
from twistedcam.automation.hooks import read_hooks
from twistedcam.errors import HookFailed, NoSuchHook
from twistedcam.events import CameraChanged, EventBus, HookChanged, MotionChanged, RecordingChanged
from twistedcam.recording.library.hidden_folder import HIDDEN

MOTION = MotionChanged("door", "begin", "a", 12.5)


class HookRunnerTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder, self.clock, self.events = Path(folder.name), Clock(), EventBus()
        self.pictured: Callable[[str], Deferred[None]] = lambda id: succeed(None)
        self.make_thread: Callable[[], Any] = InlineThread
        self.make_database_thread: Callable[[], Any] = InlineThread
        #: What programs were given: arguments, environment, input.
        self.runs: list[tuple[list[str], dict[str, str], bytes]] = []
        self.posts: list[tuple[str, dict[str, str]]] = []
        self.failures: list[ActionFailed] = []
        case = self

        class Programs:
            def run(self, arguments: Any, environment: Any, data: bytes, timeout: float) -> None:
                case.runs.append((arguments, environment, data))
                if case.failures:
                    raise case.failures.pop(0)

            def end(self) -> None:
                pass

        self.patch(hook_runner, "Programs", Programs)
        self.patch(hook_runner, "post", lambda url, headers, *_: self.posts.append((url, headers)))
        self.now = 1_800_000_000.0
        self.patch(time, "time", lambda: self.now)
        self.outcomes: list[tuple[str, int, str | None]] = []
        self.events.subscribe(self.on_event)

    def on_event(self, event: Any) -> None:
        if isinstance(event, HookChanged):
            self.outcomes.append((event.state, event.attempts, event.reason))

    def begin(self, *tables: dict[str, Any]) -> HookRunner:
        database = Database(self.folder, lambda: self.make_database_thread(), self.clock, self.fail)
        self.runner = HookRunner(
            self.folder,
            self.events,
            database,
            self.clock,
            lambda: self.make_thread(),
            lambda event: "Front door",
            lambda camera: f"{camera}.mp4",
            lambda id: self.pictured(id),
        )
        self.runner.configure(read_hooks(list(tables)))
        self.runner.start()
        return self.runner

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.clock.advance(seconds)

    def hook(self, **more: Any) -> dict[str, Any]:
        return {"name": "alarm", "on": "motion:begin", "run": ["alarm", "$X"], **more}

    def test_a_program_gets_the_event_as_json_and_in_its_environment(self) -> None:
        pictures = self.folder / HIDDEN / PICTURES
        pictures.mkdir(parents=True)
        (pictures / "a.jpg").write_bytes(b"jpeg")
        self.begin(self.hook(environment={"KEY": "value"}))
        self.events.publish(MOTION)
        [(arguments, environment, data)] = self.runs
        self.assertEqual(arguments, ["alarm", "$X"])
        told = {name: text for name, text in environment.items() if name.startswith("TWISTEDCAM_")}
        self.assertEqual(
            told,
            {
                "TWISTEDCAM_EVENT": "motion:begin",
                "TWISTEDCAM_CAMERA": "door",
                "TWISTEDCAM_TITLE": "Front door",
                "TWISTEDCAM_FILE": "",
                "TWISTEDCAM_RECORDING": "door.mp4",
                "TWISTEDCAM_SNAPSHOT": str(pictures / "a.jpg"),
                "TWISTEDCAM_ID": "a",
                "TWISTEDCAM_STATE": "begin",
                "TWISTEDCAM_SCORE": "12.5",
                "TWISTEDCAM_ZONE": "",
                "TWISTEDCAM_REASON": "",
                "TWISTEDCAM_TIME": "1800000000.0",
                "TWISTEDCAM_HOOK": "alarm",
            },
        )
        self.assertEqual(environment["KEY"], "value")
        self.assertIn(b'{"event": "motion", "camera": "door", "state": "begin"', data)
        self.assertEqual(self.outcomes, [("succeeded", 1, None)])

    def test_it_waits_for_the_picture_of_the_event_but_not_for_long(self) -> None:
        pictures = {"a": Deferred[None](), "b": Deferred[None]()}
        self.pictured = pictures.__getitem__
        self.begin(self.hook())
        self.events.publish(MOTION)
        self.assertEqual(self.runs, [])
        pictures["a"].callback(None)
        self.assertEqual(len(self.runs), 1)
        self.events.publish(MotionChanged("door", "begin", "b"))
        self.assertEqual(len(self.runs), 1)
        self.wait(PICTURE_WAIT)
        self.assertEqual(len(self.runs), 2)

    def test_a_finished_recording_has_its_file(self) -> None:
        self.begin(self.hook(on="recording"))
        self.events.publish(RecordingChanged("door", "started", "x.mp4"))
        self.events.publish(RecordingChanged("door", "finished", "x.mp4"))
        files = [environment["TWISTEDCAM_FILE"] for _, environment, _ in self.runs]
        self.assertEqual(files, ["", str(self.folder / "x.mp4")])

    def test_a_web_hook_has_its_secrets_at_the_time_of_the_run(self) -> None:
        secret = self.folder / "secret"
        secret.write_text("one")
        url = f"https://example.org/${{file:{secret}}}"
        self.begin({"on": "motion:begin", "url": url, "headers": {"Key": f"${{file:{secret}}}"}})
        secret.write_text("two")
        self.events.publish(MOTION)
        self.assertEqual(self.posts, [("https://example.org/two", {"Key": "two"})])
        secret.unlink()
        self.events.publish(MOTION)
        self.assertEqual(self.outcomes[-1][0], "retrying")
        self.runner.stop()

    def test_what_a_program_prints_is_logged_without_its_secrets(self) -> None:
        secret = self.folder / "secret"
        secret.write_text("s3cret\n")
        self.failures = [ActionFailed("no", f"{'.' * 295} s3cret is wrong")]
        self.begin(self.hook(environment={"KEY": f"x=${{file:{secret}}}"}, retries=0))
        with capturedLogs() as logged:
            self.events.publish(MOTION)
        [line] = [formatEvent(each) or "" for each in logged]
        self.assertIn("no: ...", line)
        self.assertNotIn("s3c", line)

    def test_a_hook_that_fails_twice_succeeds_at_the_third_attempt(self) -> None:
        self.failures = [ActionFailed("it ended with exit code 1", "secret line")] * 2
        self.begin(self.hook())
        self.events.publish(MOTION)
        self.assertEqual(len(self.runs), 1)
        self.wait(RETRY_FIRST)
        self.assertEqual(len(self.runs), 2)
        self.wait(RETRY_FIRST)
        self.assertEqual(len(self.runs), 2)
        self.wait(2 * RETRY_FIRST)
        reason = "it ended with exit code 1"
        self.assertEqual(
            self.outcomes,
            [("retrying", 1, reason), ("retrying", 2, reason), ("succeeded", 3, None)],
        )
        self.wait(10_000)
        self.assertEqual(len(self.runs), 3)
        [status] = self.runner.status()
        self.assertEqual(
            (status["last"], status["attempts"], status["waiting"]), ("succeeded", 3, 0)
        )

    def test_a_hook_that_fails_always_ends_after_its_retries(self) -> None:
        self.failures = [ActionFailed("no")] * 9
        self.begin(self.hook(retries=1))
        self.events.publish(MOTION)
        self.wait(10_000)
        self.assertEqual(self.outcomes, [("retrying", 1, "no"), ("failed", 2, "no")])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_retry_is_made_after_a_restart(self) -> None:
        self.failures = [ActionFailed("no")] * 2
        self.begin(self.hook())
        self.events.publish(MOTION)
        self.wait(RETRY_FIRST)
        self.runner.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.wait(86400)
        self.runs.clear()
        self.begin(self.hook())
        self.assertEqual(self.runner.status()[0]["last"], "retrying")
        self.wait(0)
        self.assertEqual(len(self.runs), 1)
        self.assertIn(b'"state": "begin"', self.runs[0][2])
        self.assertEqual(self.outcomes[-1], ("succeeded", 3, None))

    def test_a_run_that_a_kill_has_ended_is_made_after_the_restart(self) -> None:
        self.make_thread = ManualThread
        self.begin(self.hook())
        self.events.publish(MOTION)  # it never ends: the server is killed
        self.events = EventBus()
        self.events.subscribe(self.on_event)
        self.make_thread = InlineThread
        self.begin(self.hook())
        self.wait(0)
        self.assertEqual(self.outcomes, [("succeeded", 1, None)])

    def test_an_event_while_earlier_runs_are_loaded_is_run_once(self) -> None:
        loading, acting = ManualThread(), ManualThread()
        self.make_database_thread = lambda: loading
        self.begin(self.hook())
        self.make_database_thread = InlineThread
        self.make_thread = lambda: acting
        self.events.publish(MOTION)
        loading.step()
        self.wait(0)
        self.assertEqual(len(acting.waiting), 1)
        acting.step()
        self.assertEqual(self.outcomes, [("succeeded", 1, None)])

    def test_events_of_the_end_of_the_server_are_for_the_next_start(self) -> None:
        self.begin(self.hook(on="recording:finished"))
        self.runner.hold()
        self.events.publish(RecordingChanged("door", "finished", "x.mp4"))
        self.runner.stop()
        self.assertEqual(self.runs, [])
        self.begin(self.hook(on="recording:finished"))
        self.wait(0)
        self.assertEqual(self.runs[0][1]["TWISTEDCAM_FILE"], str(self.folder / "x.mp4"))

    def test_a_hook_that_is_gone_after_the_restart_is_not_run(self) -> None:
        self.failures = [ActionFailed("no")]
        self.begin(self.hook())
        self.events.publish(MOTION)
        self.runner.stop()
        self.begin(self.hook(name="other"))
        self.wait(10_000)
        self.runner.stop()
        self.begin(self.hook())
        self.wait(10_000)
        self.assertEqual(len(self.runs), 1)

    def test_a_few_run_at_once_and_the_others_wait(self) -> None:
        threads: list[ManualThread] = []

        def make_thread() -> ManualThread:
            threads.append(ManualThread())
            return threads[-1]

        self.make_thread = make_thread
        self.begin(self.hook())
        for _ in range(MAX_RUNNING + 2):
            self.events.publish(MOTION)
        self.assertEqual(len(threads), MAX_RUNNING)
        self.assertEqual(self.runner.status()[0]["waiting"], 2)
        threads[0].step()
        self.assertEqual(len(threads), MAX_RUNNING + 1)
        for each in threads[1:]:
            each.step()
        threads[-1].step()
        self.assertEqual([state for state, *_ in self.outcomes], ["succeeded"] * (MAX_RUNNING + 2))

    def test_too_many_that_wait_fail_at_once(self) -> None:
        self.patch(hook_runner, "MAX_WAITING", 1)
        self.make_thread = ManualThread
        self.begin(self.hook())
        for _ in range(MAX_RUNNING + 2):
            self.events.publish(MOTION)
        self.assertEqual(self.outcomes, [("failed", 0, "1 runs are waiting already")])

    def test_a_state_that_only_has_another_reason_is_no_event(self) -> None:
        self.begin(self.hook(on="state:recovering"))
        for state, reason in (("recovering", "a"), ("recovering", "b"), ("live", None)):
            self.events.publish(CameraChanged("door", state, reason))
        self.assertEqual(len(self.runs), 1)

    def test_other_hooks_apply_at_once(self) -> None:
        self.begin(self.hook())
        self.runner.configure(read_hooks([self.hook(run=["other"])]))
        self.events.publish(MOTION)
        self.assertEqual([arguments for arguments, *_ in self.runs], [["other"]])

    def test_a_test_runs_a_hook_once(self) -> None:
        self.begin(self.hook(on="recording:finished", camera="door"))
        hook = self.runner.get("alarm")
        done = Deferred.fromCoroutine(self.runner.test(hook, self.folder / "x.mp4"))
        self.assertEqual(self.successResultOf(done)["hook"], "alarm")
        [(_, environment, data)] = self.runs
        self.assertIn(b'"test": true', data)
        self.assertEqual(environment["TWISTEDCAM_CAMERA"], "door")
        self.assertEqual(environment["TWISTEDCAM_FILE"], str(self.folder / "x.mp4"))
        self.failures = [ActionFailed("it ended with exit code 1", "no such remote")]
        failed = self.failureResultOf(Deferred.fromCoroutine(self.runner.test(hook)), HookFailed)
        self.assertEqual(
            failed.getErrorMessage(), "alarm: it ended with exit code 1: no such remote"
        )
        self.assertEqual((self.outcomes, self.clock.getDelayedCalls()), ([], []))
        with self.assertRaisesRegex(NoSuchHook, "'siren'; there is alarm"):
            self.runner.get("siren")
