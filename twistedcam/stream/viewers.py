"""The viewers of all cameras, on all ports."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from twistedcam.errors import NoSuchViewer
from twistedcam.events import EventBus, ViewerChanged
from twistedcam.media.packet import Packet
from twistedcam.util.histogram import Histogram
from twistedcam.util.rate import Rate


@dataclass
class Tally:
    """The counts of all viewers of one camera and kind since the start of the server.

    Arguments:
        ages: the ages of the pictures when they were sent, in seconds.
        frames, bytes, drops: of the viewers that have left.
    """

    ages: Histogram = field(default_factory=Histogram)
    frames: int = 0
    bytes: int = 0
    drops: int = 0


@dataclass(eq=False, slots=True)
class Viewer:
    """A viewer of a camera, and its counts.

    Arguments:
        id: a number that is unique since the start of the server.
        address: the viewer's address.
        kind: ``tcp``, ``http`` or ``rtsp``.
        camera: the camera's name.
        path: the method of its sender: ``sendfile``, ``write`` or ``udp``.
        kick: closes its connection, for a reason.
        loss: the share of packets that it has lost lately, as it reports; None if it reports none.
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
    #: The time of capture of the last frame sent, microseconds since the UNIX epoch; 0: none.
    last_time_us: int = 0
    tally: Tally = field(default_factory=Tally)
    loss: float | None = None

    def sent(self, frame: Packet, size: int, now: float) -> None:
        """Count a frame of ``size`` bytes that was sent at ``now`` seconds."""
        self.frames += 1
        self.bytes += size
        self.last_time_us = frame.time_us
        self.rate.tick(now)
        self.tally.ages.observe(time.time() - frame.time_us / 1e6)


class Viewers:
    """The list of all viewers.

    Arguments:
        events: receives ViewerChanged events.
        clock: measures rates.
    """

    def __init__(self, events: EventBus, clock: IReactorTime) -> None:
        self._events = events
        self._clock = clock
        self._viewers: dict[int, Viewer] = {}
        self._last_id = 0
        #: The Deferreds of ``kick``.
        self._leaving: dict[int, list[Deferred[None]]] = {}
        #: By camera and kind.
        self.tallies: dict[tuple[str, str], Tally] = {}

    def __iter__(self) -> Iterator[Viewer]:
        return iter(tuple(self._viewers.values()))

    def __len__(self) -> int:
        return len(self._viewers)

    def of(self, camera: str) -> list[Viewer]:
        """Return the viewers of one camera."""
        return [viewer for viewer in self._viewers.values() if viewer.camera == camera]

    def join(
        self, address: str, kind: str, camera: str, path: str, kick: Callable[[str], None]
    ) -> Viewer:
        """Add a viewer. Call ``announce`` when its connection is set up."""
        self._last_id += 1
        now = self._clock.seconds()
        viewer = Viewer(self._last_id, address, kind, camera, path, kick, joined=now)
        viewer.tally = self.tallies.setdefault((camera, kind), Tally())
        self._viewers[viewer.id] = viewer
        return viewer

    def announce(self, viewer: Viewer) -> None:
        """Publish an event for a new viewer. A listener may close its connection at once."""
        self._publish(viewer, "joined")

    def leave(self, viewer: Viewer) -> None:
        """Remove a viewer. Does nothing if it is removed already."""
        if self._viewers.pop(viewer.id, None) is not None:
            viewer.tally.frames += viewer.frames
            viewer.tally.bytes += viewer.bytes
            viewer.tally.drops += viewer.drops
            self._publish(viewer, "left")
            for each in self._leaving.pop(viewer.id, []):
                if not each.called:  # it may have timed out
                    each.callback(None)

    def sums(self) -> dict[tuple[str, str], tuple[int, int, int]]:
        """Return frames, bytes and drops by camera and kind, since the start of the server."""
        sums = {key: (each.frames, each.bytes, each.drops) for key, each in self.tallies.items()}
        for viewer in self._viewers.values():
            key = viewer.camera, viewer.kind
            frames, size, drops = sums[key]
            sums[key] = (frames + viewer.frames, size + viewer.bytes, drops + viewer.drops)
        return sums

    def kick(self, viewer_id: int) -> Deferred[None]:
        """Close a viewer's connection. Fires when it is closed.

        Raises:
            NoSuchViewer: no viewer has that number.
        """
        viewer = self._viewers.get(viewer_id)
        if viewer is None:
            raise NoSuchViewer(f"there is no viewer with the number {viewer_id}")
        gone: Deferred[None] = Deferred()
        self._leaving.setdefault(viewer_id, []).append(gone)
        viewer.kick("ended by a controller")
        return gone

    def _publish(self, viewer: Viewer, what: str) -> None:
        event = ViewerChanged(viewer.camera, what, viewer.id, viewer.address, viewer.kind)
        self._events.publish(event)
