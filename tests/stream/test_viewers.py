"""The list of viewers, and their counts."""

from __future__ import annotations

import time

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from twistedcam.errors import NoSuchViewer
from twistedcam.events import Event, EventBus, ViewerChanged
from twistedcam.media.frame import Frame
from twistedcam.stream.viewers import Viewer, Viewers


class Rig:
    """A list of viewers, its events, and why connections were closed."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.events: list[Event] = []
        bus = EventBus()
        bus.subscribe(self.events.append)
        self.viewers = Viewers(bus, self.clock)
        self.kicked: list[str] = []

    def join(self, camera: str = "door", kind: str = "tcp") -> Viewer:
        return self.viewers.join("192.0.2.1:5", kind, camera, "write", self.kicked.append)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_viewers_are_numbered_and_listed_by_camera(rig: Rig) -> None:
    rig.clock.advance(7)
    first, second = rig.join("door"), rig.join("hall")
    assert (first.id, second.id, second.joined) == (1, 2, 7)
    assert (rig.viewers.of("door"), list(rig.viewers), len(rig.viewers)) == (
        [first],
        [first, second],
        2,
    )
    rig.viewers.leave(first)
    assert rig.join().id == 3  # numbers are not used again


def test_events_are_published_when_a_viewer_is_announced_and_leaves(rig: Rig) -> None:
    viewer = rig.join()
    assert rig.events == []
    rig.viewers.announce(viewer)
    for _ in range(2):
        rig.viewers.leave(viewer)
    assert rig.events == [
        ViewerChanged("door", what, 1, "192.0.2.1:5", "tcp") for what in ("joined", "left")
    ]


def test_a_viewer_may_leave_while_viewers_are_listed(rig: Rig) -> None:
    rig.join(), rig.join()
    for viewer in rig.viewers:
        rig.viewers.leave(viewer)
    assert len(rig.viewers) == 0


def test_a_sent_frame_is_counted(rig: Rig) -> None:
    viewer = rig.join()
    taken = round((time.time() - 0.3) * 1e6)
    viewer.sent(Frame(1, taken, 4, 4, b"jpeg"), 100, now=0.0)
    assert (viewer.frames, viewer.bytes, viewer.last_time_us) == (1, 100, taken)
    assert sum(viewer.tally.ages.counts) == 1
    assert viewer.tally.ages.total == pytest.approx(0.3, abs=0.1)


def test_sums_include_viewers_that_have_left(rig: Rig) -> None:
    left, stays, other = rig.join(), rig.join(), rig.join(kind="http")
    left.frames, left.bytes, left.drops = 1, 10, 3
    rig.viewers.leave(left)
    rig.viewers.leave(left)  # counted once
    stays.frames, stays.bytes, stays.drops = 2, 20, 4
    other.frames = 7
    assert rig.viewers.sums() == {("door", "tcp"): (3, 30, 7), ("door", "http"): (7, 0, 0)}


def test_kick_fires_when_the_connection_is_closed(rig: Rig) -> None:
    viewer = rig.join()
    gone: list[Deferred[None]] = [rig.viewers.kick(viewer.id) for _ in range(2)]
    assert rig.kicked == ["ended by a controller"] * 2
    gone[0].callback(None)  # as a time limit does
    assert not gone[1].called
    rig.viewers.leave(viewer)
    assert gone[1].called


def test_an_unknown_viewer_cannot_be_kicked(rig: Rig) -> None:
    viewer = rig.join()
    rig.viewers.leave(viewer)
    with pytest.raises(NoSuchViewer, match="1"):
        rig.viewers.kick(viewer.id)
