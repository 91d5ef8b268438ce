"""Where a session gets its outlet and its watcher from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.interfaces import IReactorTime

from twistedcam.delivery.ack_reader import Ears
from twistedcam.delivery.choose import make_outlet
from twistedcam.delivery.sender import Framing, Outlet, no_one
from twistedcam.delivery.subscription import Watcher
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Viewer


class Watching(Protocol):
    """What stands between a hub and an outlet (see Watcher)."""

    def begin(self) -> None:
        """From now on frames go out."""

    def ready(self) -> None:
        """The viewer may be ready for a frame."""

    def acknowledge(self, seq: int) -> None:
        """The viewer has taken in all frames up to this one."""

    def finish(self, done: Callable[[], None]) -> None:
        """No more frames; ``done`` is called when the one under way is out."""

    def stop_waiting(self) -> None:
        """The viewer acknowledges nothing any more: frames go out as fast as it reads."""

    def end(self) -> None:
        """No more frames, at once."""


class Hearing(Protocol):
    """How a viewer is read."""

    def hold(self, is_held: bool) -> None:
        """Whether what it sends is left unread for now."""

    def watch_end(self) -> None:
        """It sends nothing any more: notice all the same when it is gone."""

    def end(self) -> None:
        """The connection is lost."""


class Delivery(Protocol):
    """How viewers are served: in this process, or in others."""

    @property
    def workers(self) -> int:
        """How many other processes deliver."""

    def outlet(
        self,
        transport: Any,
        framing: Framing,
        cleared: Callable[[], None],
        refused: Callable[[], None],
    ) -> Outlet:
        """A way out for a connection.

        Arguments:
            transport, framing, cleared: see ``make_outlet``.
            refused: called if later on there turns out to be no room for the connection.
        """

    def hear(
        self,
        outlet: Outlet,
        transport: Any,
        received: Callable[[bytes], None],
        closed: Callable[[], None] = no_one,
    ) -> Hearing:
        """Read what the viewer of one of these outlets sends, by the cheapest way there is.

        Arguments:
            outlet, transport: the viewer's.
            received: takes the bytes.
            closed: called when it will send nothing more, where the transport does not say so.
        """

    def watch(
        self, viewer: Viewer, hub: Hub, outlet: Outlet, max_fps: float | None, window: int = 0
    ) -> Watching:
        """What brings a hub's frames to one of these outlets."""


class LocalHearing:
    """Reads with all others, where the system can; else by the transport, as always.

    Arguments:
        ears: what reads all viewers.
        transport: the viewer's.
    """

    __slots__ = ("_ears", "_transport")

    def __init__(self, ears: Ears, transport: Any) -> None:
        self._ears = ears
        self._transport = transport

    def hold(self, is_held: bool) -> None:
        """Whether what it sends is left unread for now."""
        self._ears.hold(self._transport, is_held)

    def watch_end(self) -> None:
        """It sends nothing any more: notice all the same when it is gone."""
        self._ears.watch_end(self._transport)

    def end(self) -> None:
        """The connection is lost."""
        self._ears.detach(self._transport)


class LocalDelivery:
    """Serves viewers in this process.

    Arguments:
        reactor: what waits for sockets, and the clock.
    """

    workers = 0

    def __init__(self, reactor: IReactorTime) -> None:
        self._reactor = reactor
        self._ears = Ears(reactor)

    def outlet(
        self,
        transport: Any,
        framing: Framing,
        cleared: Callable[[], None],
        refused: Callable[[], None],
    ) -> Outlet:
        """The best outlet that the connection can have."""
        return make_outlet(transport, framing, cleared, self._reactor)

    def hear(
        self,
        outlet: Outlet,
        transport: Any,
        received: Callable[[bytes], None],
        closed: Callable[[], None] = no_one,
    ) -> Hearing:
        """With all others, where the system can; else by the transport, which says its end, too."""
        self._ears.attach(transport, received)
        return LocalHearing(self._ears, transport)

    def watch(
        self, viewer: Viewer, hub: Hub, outlet: Outlet, max_fps: float | None, window: int = 0
    ) -> Watching:
        """A watcher."""
        return Watcher(viewer, hub, outlet, self._reactor, max_fps, window)
