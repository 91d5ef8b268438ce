"""Whatever five controllers, a device and the clock do: drawn states, and true answers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tests.support.fakes import CameraRig, FakeScheme
from twistedcam.camera.capture_base import CLOSE_TIMEOUT, OPEN_TIMEOUT
from twistedcam.errors import CameraFailed, SourceEnded
from twistedcam.sources.base import RawPicture, SourceInfo
from twistedcam.stream.hub import Sink

#: The diagram in docs/architecture.md.
DRAWN = {
    ("stopped", "starting"),
    ("starting", "live"),
    ("starting", "recovering"),
    ("starting", "stopped"),
    ("live", "recovering"),
    ("live", "stopped"),
    ("recovering", "recovering"),
    ("recovering", "live"),
    ("recovering", "stopped"),
}

OPERATIONS = st.one_of(
    st.tuples(st.sampled_from(["start", "stop", "stop and start", "reopen"])),
    st.tuples(st.just("call"), st.integers(0, 3)),  # a thread makes the call that waits
    st.tuples(
        st.just("device"), st.sampled_from(["well", "refuses", "goes", "ends", "silent", "bad"])
    ),
    st.tuples(st.just("clock"), st.sampled_from([0.0, 0.5, 2.0, 11.0, OPEN_TIMEOUT])),
    # A listener that asks for something on hearing of a change.
    st.tuples(st.just("listener"), st.sampled_from(["start", "stop", "reopen"])),
)


class World(Sink):
    """A camera, those who steer it, and what was told and answered."""

    def __init__(self, scheme: FakeScheme, steady: bool = True) -> None:
        self.steady = steady
        self.scheme = scheme
        self.rig = CameraRig()
        self.camera = self.rig.camera
        self.asked: list[tuple[str, list[Any]]] = []
        self.mood = "well"
        self.next_by_listener: list[str] = []
        self.camera._events.subscribe(self._heard)
        self.sequence: list[int] = []
        self.camera.hub.add(self)

    def take(self, frame: Any) -> None:
        """Frames come only while the camera is live, and in order."""
        assert self.camera.state == "live"
        assert self.rig.states[-1] == "live"
        self.sequence.append(frame.seq)

    def do(self, operation: tuple[Any, ...]) -> None:
        """One step."""
        name, *rest = operation
        if name == "call":
            waiting = [each for each in self.rig.threads if each.waiting]
            if waiting:
                self._prepare()
                waiting[rest[0] % len(waiting)].step()
                self.rig.clock.advance(0)
        elif name == "device":
            self.mood = rest[0]
        elif name == "clock":
            self.rig.clock.advance(rest[0])
        elif name == "listener":
            self.next_by_listener.append(rest[0])
        else:
            for each in name.split(" and "):
                self.ask(each)

    def ask(self, what: str) -> None:
        """As a controller."""
        answers: list[Any] = []
        if what == "reopen":
            made: Deferred[None] = self.camera.use(self.camera.spec)
        else:
            made = getattr(self.camera, what)()
        self.asked.append((what, answers))
        made.addCallbacks(
            lambda _: answers.append(("done", self._states())),
            lambda why: answers.append((why, self._states())),
        )

    def _states(self) -> set[str]:
        """Its state, and the one that was told last: a listener may have ended that already."""
        return {self.camera.state, *(self.rig.states or ["stopped"])[-1:]}

    def settle(self) -> None:
        """Stop for good; every call that waits comes back."""
        self.next_by_listener.clear()
        self.mood = "well"
        self.ask("stop")
        for _ in range(50):
            for thread in list(self.rig.threads):
                while thread.waiting:
                    thread.step()
            self.rig.clock.advance(CLOSE_TIMEOUT)
            if not any(thread.waiting for thread in self.rig.threads):
                break

    def _heard(self, event: Any) -> None:
        if self.next_by_listener:
            self.ask(self.next_by_listener.pop(0))

    def _prepare(self) -> None:
        gone = {
            "goes": CameraFailed("it was unplugged"),
            "ends": SourceEnded("it has ended"),
            "silent": None,
            "bad": RawPicture(1.0, jpeg=b"a picture it is not"),
        }
        refuses = self.mood == "refuses"
        for source in self.scheme.sources:
            granted = SourceInfo(1, 1, 10.0, "fake", "x", self.steady)
            source.opening = CameraFailed("busy") if refuses else granted
            source.script = [gone[self.mood]] if self.mood in gone else []  # type: ignore[list-item]


@pytest.fixture
def scheme() -> Iterator[FakeScheme]:
    with FakeScheme() as made:
        yield made


def check(world: World) -> None:
    states = ["stopped", *world.rig.states]
    for edge in pairwise(states):
        assert edge in DRAWN, states
    assert states[-1] == world.camera.state
    if world.camera.state != "live":
        assert world.camera.hub.newest is None
    assert world.sequence == sorted(set(world.sequence))
    for what, answers in world.asked:
        assert len(answers) <= 1
        for answer, states in answers:
            if what in ("start", "reopen") and answer == "done":
                # A reopen of a stopped camera is done at once.
                assert "live" in states or (what == "reopen" and "stopped" in states)
            elif isinstance(answer, Failure):
                assert what != "stop", answer
                assert answer.check(CameraFailed), answer
                assert states != {"live"}, "it was told that it failed while it is live"


@settings(max_examples=400, deadline=None)
@given(st.lists(OPERATIONS, max_size=40), st.booleans())
def test_every_interleaving_leaves_a_drawn_state_and_true_answers(
    operations: list[tuple[Any, ...]], steady: bool
) -> None:
    with FakeScheme() as scheme:
        world = World(scheme, steady)
        for operation in operations:
            world.do(operation)
            check(world)
        world.settle()
        check(world)
        assert world.camera.state == "stopped"
        unanswered = [what for what, answers in world.asked if not answers]
        assert not unanswered
        assert world.rig.clock.getDelayedCalls() == []
        for source in scheme.sources:
            if "open" in source.calls:
                assert source.calls[-1] == "close", source.calls
        assert all(thread.ended for thread in world.rig.threads)


def test_two_starts_get_the_same_answer(scheme: FakeScheme) -> None:
    world = World(scheme)
    world.ask("start")
    world.ask("start")
    world.do(("device", "refuses"))
    world.do(("call", 0))
    answers = [answers[0][0].getErrorMessage() for _, answers in world.asked]
    assert answers[0] == answers[1] == "busy; the server keeps trying"


def test_a_stop_wins_over_a_start_under_way(scheme: FakeScheme) -> None:
    world = World(scheme)
    world.ask("start")
    world.ask("stop")
    assert world.camera.state == "stopped"
    assert world.asked[0][1][0][0].check(CameraFailed)
    world.settle()
    assert world.rig.states == ["starting", "stopped"]


def test_who_hears_of_the_start_and_stops_it_leaves_it_stopped(scheme: FakeScheme) -> None:
    world = World(scheme)
    world.next_by_listener = ["stop"]
    world.ask("start")
    world.settle()
    assert world.rig.states == ["starting", "stopped"]
    assert [answers[0][0] for what, answers in world.asked if what == "stop"] == ["done", "done"]


def test_whoever_is_answered_that_it_is_live_finds_a_picture(scheme: FakeScheme) -> None:
    world = World(scheme)
    found: list[object] = []
    world.camera.start().addCallback(lambda _: found.append(world.camera.hub.newest))
    world.rig.step(2)
    assert found != [None] and len(found) == 1
