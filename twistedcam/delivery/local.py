"""Where a session gets its sender and its subscription from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.interfaces import IReactorTime

from twistedcam.delivery.ack_reader import AckReader
from twistedcam.delivery.choose import choose_sender
from twistedcam.delivery.sender import Sender, Serializer, do_nothing
from twistedcam.delivery.subscription import Subscription
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Viewer


class SubscriptionHandle(Protocol):
    """What stands between a hub and a sender (see Subscription)."""

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


class InputHandle(Protocol):
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

    def make_sender(
        self,
        transport: Any,
        serializer: Serializer,
        on_ready: Callable[[], None],
        refused: Callable[[], None],
    ) -> Sender:
        """A way out for a connection.

        Arguments:
            transport, serializer, on_ready: see ``choose_sender``.
            refused: called if later on there turns out to be no room for the connection.
        """

    def read_from(
        self,
        sender: Sender,
        transport: Any,
        received: Callable[[bytes], None],
        closed: Callable[[], None] = do_nothing,
    ) -> InputHandle:
        """Read what the viewer of one of these senders sends, by the cheapest way there is.

        Arguments:
            sender, transport: the viewer's.
            received: takes the bytes.
            closed: called when it will send nothing more, where the transport does not say so.
        """

    def subscribe(
        self, viewer: Viewer, hub: Hub, sender: Sender, max_fps: float | None, window: int = 0
    ) -> SubscriptionHandle:
        """What brings a hub's frames to one of these senders."""


class _LocalInput:
    """Reads with all others, where the system can; else by the transport, as always.

    Arguments:
        ack_reader: what reads all viewers.
        transport: the viewer's.
    """

    __slots__ = ("_ack_reader", "_transport")

    def __init__(self, ack_reader: AckReader, transport: Any) -> None:
        self._ack_reader = ack_reader
        self._transport = transport

    def hold(self, is_held: bool) -> None:
        """Whether what it sends is left unread for now."""
        self._ack_reader.hold(self._transport, is_held)

    def watch_end(self) -> None:
        """It sends nothing any more: notice all the same when it is gone."""
        self._ack_reader.watch_end(self._transport)

    def end(self) -> None:
        """The connection is lost."""
        self._ack_reader.detach(self._transport)


class LocalDelivery:
    """Serves viewers in this process.

    Arguments:
        reactor: what waits for sockets, and the clock.
    """

    workers = 0

    def __init__(self, reactor: IReactorTime) -> None:
        self._reactor = reactor
        self._ack_reader = AckReader(reactor)

    def make_sender(
        self,
        transport: Any,
        serializer: Serializer,
        on_ready: Callable[[], None],
        refused: Callable[[], None],
    ) -> Sender:
        """The best sender that the connection can have."""
        return choose_sender(transport, serializer, on_ready, self._reactor)

    def read_from(
        self,
        sender: Sender,
        transport: Any,
        received: Callable[[bytes], None],
        closed: Callable[[], None] = do_nothing,
    ) -> InputHandle:
        """With all others, where the system can; else by the transport, which says its end, too."""
        self._ack_reader.attach(transport, received)
        return _LocalInput(self._ack_reader, transport)

    def subscribe(
        self, viewer: Viewer, hub: Hub, sender: Sender, max_fps: float | None, window: int = 0
    ) -> SubscriptionHandle:
        """A subscription."""
        return Subscription(viewer, hub, sender, self._reactor, max_fps, window)
