"""Who watches: one list over all ports."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from twistedcam.errors import NoSuchViewer
from twistedcam.events import EventBus, ViewerChanged
from twistedcam.media.frame import Frame
from twistedcam.util.histogram import Histogram
from twistedcam.util.rate import Rate


@dataclass
class Tally:
    """What went to all viewers of one camera and kind, in this run.

    Arguments:
        ages: how old the pictures were when they went out, in seconds.
        frames, bytes, drops: of those who have left.
    """

    ages: Histogram = field(default_factory=Histogram)
    frames: int = 0
    bytes: int = 0
    drops: int = 0


@dataclass(eq=False, slots=True)
class Viewer:
    """Somebody who watches a camera.

    Arguments:
        id: a number that no other viewer of this run has.
        address: where it watches from.
        kind: ``tcp`` or ``http``.
        camera: the camera's name.
        path: how frames reach it: ``sendfile`` or ``write``.
        kick: ends its connection, with a reason.
    """

    id: int
    address: str
    kind: str
    camera: str
    path: str
    kick: Callable[[str], None]
    joined: float = 0.0
    frames: int = 0
    bytes: int = 0
    drops: int = 0
    rate: Rate = field(default_factory=Rate)
    #: Time of capture of the last frame that went out, microseconds since the UNIX epoch; 0: none.
    last_time_us: int = 0
    tally: Tally = field(default_factory=Tally)

    def sent(self, frame: Frame, size: int, now: float) -> None:
        """A frame went out, ``size`` bytes in all, at ``now`` seconds."""
        self.frames += 1
        self.bytes += size
        self.last_time_us = frame.time_us
        self.rate.tick(now)
        self.tally.ages.observe(time.time() - frame.time_us / 1e6)


class Viewers:
    """All who watch.

    Arguments:
        events: where joining and leaving are told.
        clock: what rates are measured by.
    """

    def __init__(self, events: EventBus, clock: IReactorTime) -> None:
        self._events = events
        self._clock = clock
        self._viewers: dict[int, Viewer] = {}
        self._last_id = 0
        #: Who waits for a viewer to be gone.
        self._leaving: dict[int, list[Deferred[None]]] = {}
        #: By camera and kind.
        self.tallies: dict[tuple[str, str], Tally] = {}

    def __iter__(self) -> Iterator[Viewer]:
        return iter(tuple(self._viewers.values()))

    def __len__(self) -> int:
        return len(self._viewers)

    def of(self, camera: str) -> list[Viewer]:
        """Those who watch one camera."""
        return [viewer for viewer in self._viewers.values() if viewer.camera == camera]

    def join(
        self, address: str, kind: str, camera: str, path: str, kick: Callable[[str], None]
    ) -> Viewer:
        """Somebody begins to watch; ``announce`` it when all is set up for it."""
        self._last_id += 1
        now = self._clock.seconds()
        viewer = Viewer(self._last_id, address, kind, camera, path, kick, joined=now)
        viewer.tally = self.tallies.setdefault((camera, kind), Tally())
        self._viewers[viewer.id] = viewer
        return viewer

    def announce(self, viewer: Viewer) -> None:
        """Tell that somebody watches: a listener may end its connection on hearing of it."""
        self._tell(viewer, "joined")

    def leave(self, viewer: Viewer) -> None:
        """Somebody watches no more; nothing happens if that is known already."""
        if self._viewers.pop(viewer.id, None) is not None:
            viewer.tally.frames += viewer.frames
            viewer.tally.bytes += viewer.bytes
            viewer.tally.drops += viewer.drops
            self._tell(viewer, "left")
            for each in self._leaving.pop(viewer.id, []):
                if not each.called:  # it may have waited too long
                    each.callback(None)

    def sums(self) -> dict[tuple[str, str], tuple[int, int, int]]:
        """Frames, bytes and drops by camera and kind, of all who watch or watched in this run."""
        sums = {key: (each.frames, each.bytes, each.drops) for key, each in self.tallies.items()}
        for viewer in self._viewers.values():
            key = viewer.camera, viewer.kind
            frames, size, drops = sums[key]
            sums[key] = (frames + viewer.frames, size + viewer.bytes, drops + viewer.drops)
        return sums

    def kick(self, viewer_id: int) -> Deferred[None]:
        """End a viewer's connection. Fires when it is gone.

        Raises:
            NoSuchViewer: nobody has that number.
        """
        viewer = self._viewers.get(viewer_id)
        if viewer is None:
            raise NoSuchViewer(f"nobody with the number {viewer_id} watches")
        gone: Deferred[None] = Deferred()
        self._leaving.setdefault(viewer_id, []).append(gone)
        viewer.kick("ended by a controller")
        return gone

    def _tell(self, viewer: Viewer, what: str) -> None:
        event = ViewerChanged(viewer.camera, what, viewer.id, viewer.address, viewer.kind)
        self._events.publish(event)
