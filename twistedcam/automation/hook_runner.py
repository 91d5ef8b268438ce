"""Runs hooks: some at once, each within its time, and again after a failure."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.automation.database import Database
from twistedcam.automation.event_store import PICTURES
from twistedcam.automation.hook_actions import ActionFailed, Programs, post
from twistedcam.automation.hook_runs import HookOutcome, HookRun, HookRuns, outcome_of
from twistedcam.automation.hooks import Hook, expand, without_secrets
from twistedcam.errors import BadArgument, DiskError, HookFailed, NoSuchHook
from twistedcam.events import (
    CameraChanged,
    DetectionChanged,
    Event,
    EventBus,
    HookChanged,
    MotionChanged,
    RecordingChanged,
    new_event_id,
)
from twistedcam.recording.library.hidden_folder import HIDDEN
from twistedcam.runtime.backoff import Backoff
from twistedcam.runtime.threads import Thread, run_in_thread
from twistedcam.util.escaped_name import file_name, show_name

log = Logger()

#: Runs at the same time, and runs that wait for their turn or for another attempt, at most.
MAX_RUNNING = 4
MAX_WAITING = 1000
#: Seconds before another attempt: after the first failure, and at most.
RETRY_FIRST = 1.0
RETRY_MOST = 3600.0
RETRY_FACTOR = 3.0
#: Seconds to wait until the event's picture is on the disk.
PICTURE_WAIT = 2.0
#: Seconds that an action may take beyond its timeout, before it counts as failed.
_EXTRA = 5.0
#: Characters of a program's output that are logged.
_MAX_DETAIL = 300
#: Changes of recordings after which the file has its name.
_COMPLETE = frozenset({"finished", "segment", "saved", "recovered", "snapshot"})


class HookRunner:
    """Runs hooks for events, from ``start`` to ``stop``.

    A run is kept in the database until it has succeeded, or has failed for the last time: a server
    that is killed meanwhile makes it again.

    Arguments:
        folder: the recordings folder.
        events: the events, which also get the outcomes.
        database: keeps runs and outcomes.
        clock: measures the time between attempts.
        make_thread: returns a new thread.
        title: returns the title of an event's camera, or None.
        recording: returns the name of the recording that is running on a camera, or None.
        pictured: returns a Deferred that fires when the event of an ID has a picture.
    """

    def __init__(
        self,
        folder: Path,
        events: EventBus,
        database: Database,
        clock: IReactorTime,
        make_thread: Callable[[], Thread],
        title: Callable[[Event], str | None],
        recording: Callable[[str], str | None],
        pictured: Callable[[str], Deferred[None]] = lambda id: succeed(None),
    ) -> None:
        self.hooks: list[Hook] = []
        self._folder = folder
        self._events = events
        self._database = database
        self._runs = HookRuns(database)
        self._clock = clock
        self._make_thread = make_thread
        self._title = title
        self._recording = recording
        self._pictured = pictured
        self._programs = Programs()
        self._backoff = Backoff(RETRY_FIRST, RETRY_MOST, RETRY_FACTOR)
        self._outcomes: dict[str, HookOutcome] = {}
        self._states: dict[str, str] = {}
        self._queue: deque[HookRun] = deque()
        #: Runs that wait for another attempt, by their IDs.
        self._delayed: dict[str, tuple[HookRun, Any]] = {}
        self._running = 0
        #: IDs of the runs for events that came while those of the server before were loaded.
        self._newer: set[str] = set()
        self._is_loading = False
        self._has_started = self._has_loaded = self._is_stopping = False
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Run hooks from now on, first those that a server before has left."""
        self._unsubscribe = self._events.subscribe(self._on_event)
        self._has_started = True
        self.configure(self.hooks)

    def configure(self, hooks: Iterable[Hook]) -> bool:
        """Use these hooks from now on; return True if they are others than before.

        Runs of a hook that is gone are dropped; runs of one that has changed use the new one.
        """
        before, self.hooks = self.hooks, list(hooks)
        if self.hooks and self._has_started and not self._has_loaded:
            self._has_loaded = self._is_loading = True
            loading = Deferred.fromCoroutine(self._load())
            loading.addErrback(lambda why: log.failure("hooks were not loaded", failure=why))
        return before != self.hooks

    def hold(self) -> None:
        """Begin no more runs: events from now on are kept for the next start of the server."""
        self._is_stopping = True
        for _, call in self._delayed.values():
            call.cancel()
        self._delayed.clear()

    def stop(self) -> None:
        """End the programs that run; they are run again at the next start."""
        self.hold()
        self._unsubscribe()
        self._programs.end()

    def status(self) -> list[dict[str, Any]]:
        """Describe the hooks and their last outcomes."""
        return [self._describe(each) for each in self.hooks]

    def get(self, name: str) -> Hook:
        """Return the hook of that name.

        Raises:
            NoSuchHook: there is none.
        """
        hook = self._find(name)
        if hook is None:
            known = ", ".join(each.name for each in self.hooks) or "none"
            raise NoSuchHook(f"there is no hook {name!r}; there is {known}")
        return hook

    async def test(self, hook: Hook, file: Path | None = None) -> dict[str, Any]:
        """Run a hook once, for an event that says ``"test": true``.

        Arguments:
            file: the file of the event, for a hook about recordings.

        Raises:
            HookFailed: it has failed.
        """
        now = time.time()
        cause = hook.on[0]
        kind, _, what = cause.partition(":")
        camera = hook.camera[0] if hook.camera else None
        payload = {
            "event": kind,
            "cause": cause,
            "hook": hook.name,
            "time": now,
            "test": True,
            **({"camera": camera} if camera else {}),
            **({"state": what} if what else {}),
            **({"file": str(file), "name": show_name(file.name)} if file else {}),
        }
        began = self._clock.seconds()
        run = HookRun(new_event_id(now), hook.name, payload, 0, now)
        try:
            await self._act(hook, run)
        except ActionFailed as error:
            raise HookFailed(f"{hook.name}: {_with_detail(error)}") from None
        return {"hook": hook.name, "seconds": round(self._clock.seconds() - began, 3)}

    def _describe(self, hook: Hook) -> dict[str, Any]:
        last = self._outcomes.get(hook.name)
        delayed = [run for run, _ in self._delayed.values()]
        return {
            "hook": hook.name,
            "on": ", ".join(hook.on),
            "camera": ", ".join(hook.camera) or None,
            "action": hook.shown,
            "when": None if hook.when is None else hook.when.text,
            "waiting": sum(run.hook == hook.name for run in (*self._queue, *delayed)),
            "last": None if last is None else last.state,
            "last_event": None if last is None else last.cause,
            "last_time": None if last is None else round(last.time, 3),
            "attempts": None if last is None else last.attempts,
            "reason": None if last is None else last.reason,
        }

    def _find(self, name: str) -> Hook | None:
        return next((each for each in self.hooks if each.name == name), None)

    async def _load(self) -> None:
        try:
            runs, outcomes = await self._runs.load()
        except DiskError:
            return  # there is a fault already, and none can have been kept
        finally:
            self._is_loading = False
        for outcome in outcomes:
            self._outcomes.setdefault(outcome.hook, outcome)
        for run in runs:
            if run.id in self._newer:
                continue  # it was begun at its event
            if self._find(run.hook) is None:
                self._runs.remove(run)  # the configuration has it no longer
            else:
                self._delay(run)
        self._newer.clear()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, CameraChanged):
            if self._states.get(event.camera) == event.state:
                return  # only the reason or the size has changed
            self._states[event.camera] = event.state
        now = time.time()
        for hook in self.hooks:
            cause = hook.matches(event, now)
            if cause is not None:
                self._enqueue(hook, event, cause, now)

    def _enqueue(self, hook: Hook, event: Event, cause: str, now: float) -> None:
        payload = event.as_json(self._title(event))
        payload.setdefault("time", now)
        payload |= {"cause": cause, "hook": hook.name}
        if isinstance(event, MotionChanged | DetectionChanged):
            payload["recording"] = self._recording(event.camera)
        if isinstance(event, RecordingChanged) and event.what in _COMPLETE:
            payload["file"] = str(self._folder.absolute() / file_name(event.name))
        run = HookRun(new_event_id(now), hook.name, payload, 0, now)
        if len(self._queue) + len(self._delayed) >= MAX_WAITING:
            self._report(run, "failed", f"{MAX_WAITING} runs are waiting already")
            return
        if self._is_loading:
            self._newer.add(run.id)
        self._runs.save(run)
        self._queue.append(run)
        self._begin_next()

    def _delay(self, run: HookRun) -> None:
        """Run it when it is due."""
        if self._is_stopping:
            return
        seconds = max(0.0, min(run.due - time.time(), RETRY_MOST))
        call = self._clock.callLater(seconds, self._on_due, run)
        self._delayed[run.id] = (run, call)

    def _on_due(self, run: HookRun) -> None:
        del self._delayed[run.id]
        self._queue.append(run)
        self._begin_next()

    def _begin_next(self) -> None:
        while self._queue and self._running < MAX_RUNNING and not self._is_stopping:
            run = self._queue.popleft()
            hook = self._find(run.hook)
            if hook is None:
                self._runs.remove(run)  # a reload has removed it
                continue
            self._running += 1
            running = Deferred.fromCoroutine(self._attempt(hook, run))
            running.addErrback(lambda why: log.failure("a hook failed", failure=why))
            running.addCallback(self._on_ended)

    def _on_ended(self, _: object) -> None:
        self._running -= 1
        self._begin_next()

    async def _attempt(self, hook: Hook, run: HookRun) -> None:
        try:
            await self._act(hook, run)
        except ActionFailed as error:
            self._on_failed(hook, run, error)
        except Exception:
            log.failure("the hook {name} failed", name=hook.name)
            self._on_failed(hook, run, ActionFailed("an internal error occurred; the log has more"))
        else:
            run.attempts += 1
            self._runs.remove(run)
            self._report(run, "succeeded")

    def _on_failed(self, hook: Hook, run: HookRun, error: ActionFailed) -> None:
        if self._is_stopping:
            return  # it was ended with the server, which keeps it for the next start
        run.attempts += 1
        log.warn(
            "hook {name}, {cause}: {why}", name=hook.name, cause=run.cause, why=_with_detail(error)
        )
        if run.attempts > hook.retries:
            self._runs.remove(run)
            self._report(run, "failed", str(error))
            return
        run.due = time.time() + self._backoff.after(run.attempts)
        self._runs.save(run)
        self._delay(run)
        self._report(run, "retrying", str(error))

    def _report(self, run: HookRun, state: Any, reason: str | None = None) -> None:
        camera = run.payload.get("camera")
        event = HookChanged(camera, run.hook, state, run.cause, run.attempts, reason)
        self._outcomes[run.hook] = outcome = outcome_of(event, time.time())
        self._runs.save_outcome(outcome)
        self._events.publish(event)

    async def _act(self, hook: Hook, run: HookRun) -> None:
        """Run a hook once.

        Raises:
            ActionFailed: it has failed.
        """
        ready = self._pictured(str(run.payload.get("id")))
        ready.addCallback(lambda _: self._database.flush())
        await ready.addTimeout(PICTURE_WAIT, self._clock, lambda *_: None)
        payload = dict(run.payload)
        acting = run_in_thread(self._make_thread, lambda: self._act_blocking(hook, payload))
        await acting.addTimeout(hook.timeout + _EXTRA, self._clock, _timed_out)

    def _act_blocking(self, hook: Hook, payload: dict[str, Any]) -> None:
        picture = self._folder.absolute() / HIDDEN / PICTURES / f"{payload.get('id')}.jpg"
        if "id" in payload and picture.is_file():
            payload["snapshot"] = str(picture)
        data = json.dumps(payload, ensure_ascii=False).encode("utf-8", "surrogateescape")
        try:
            if hook.url is not None:
                headers = {key: expand(text, key, os.environ) for key, text in hook.headers.items()}
                post(expand(hook.url, "url", os.environ), headers, data, hook.timeout)
            else:
                environment = _environment(hook, payload)
                self._programs.run(hook.run, environment, data, hook.timeout)
        except BadArgument as error:  # a secret is gone
            raise ActionFailed(str(error)) from None
        except ActionFailed as error:
            detail = without_secrets(error.detail, hook, os.environ)[:_MAX_DETAIL]
            raise ActionFailed(str(error), detail) from None


#: The variables of a program's environment, and the keys of the event that they have; the first
#: that is there counts.
_VARIABLES = {
    "TWISTEDCAM_EVENT": ("cause",),
    "TWISTEDCAM_CAMERA": ("camera",),
    "TWISTEDCAM_TITLE": ("title",),
    "TWISTEDCAM_FILE": ("file",),
    "TWISTEDCAM_RECORDING": ("recording", "name"),
    "TWISTEDCAM_SNAPSHOT": ("snapshot",),
    "TWISTEDCAM_ID": ("id",),
    "TWISTEDCAM_STATE": ("state", "what"),
    "TWISTEDCAM_SCORE": ("score",),
    "TWISTEDCAM_ZONE": ("zone",),
    "TWISTEDCAM_REASON": ("reason",),
    "TWISTEDCAM_TIME": ("time",),
    "TWISTEDCAM_HOOK": ("hook",),
}


def _environment(hook: Hook, payload: dict[str, Any]) -> dict[str, str]:
    """Return the environment of a program: that of the server, the event, and the hook's own."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("TWISTEDCAM_")}
    of_event = {}
    for name, keys in _VARIABLES.items():
        found = (payload[key] for key in keys if payload.get(key) is not None)
        of_event[name] = str(next(found, "")).replace("\0", "")
    own = {key: expand(text, key, os.environ) for key, text in hook.environment.items()}
    return {**inherited, **of_event, **own}


def _with_detail(error: ActionFailed) -> str:
    return f"{error}: {error.detail}" if error.detail else str(error)


def _timed_out(_: Any, seconds: float) -> None:
    raise ActionFailed(f"it did not end within {seconds - _EXTRA:g} s")
