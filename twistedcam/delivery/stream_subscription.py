"""The subscription of one viewer to a camera's stream, in the codec that suits the viewer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IReactorTime

from twistedcam.delivery.gop_subscription import GopSubscription
from twistedcam.delivery.latest_subscription import LatestSubscription
from twistedcam.delivery.sender import Sender
from twistedcam.media.track import Track
from twistedcam.stream.hub import GroupHub, Hub
from twistedcam.stream.viewers import Viewer

if TYPE_CHECKING:
    from twistedcam.stream.stream import Stream, Subscription
    from twistedcam.stream.wants import Wants


def subscription_class(hub: Hub[Any]) -> type[GopSubscription] | type[LatestSubscription]:
    """Return the class of subscriptions that the packets of a hub need."""
    return GopSubscription if isinstance(hub, GroupHub) else LatestSubscription


class StreamSubscription:
    """Passes the packets that suit a viewer to its sender, by the subscription that they need.

    It is the sink of a Stream, which moves it to another hub when the camera's codec changes.

    Arguments:
        viewer, sender, clock, max_fps, window: as for LatestSubscription.
        stream: the source of packets.
        wants: the codecs that the viewer understands.
        on_track: called before the first packet of each track.

    Raises:
        NotSupported: the packets are not available in these codecs.
    """

    __slots__ = (
        "_current",
        "_hub",
        "_make",
        "_on_track",
        "_stream",
        "_subscription",
        "_wants",
        "_window",
        "take",
    )

    #: Send a packet, or leave it (hub.Sink). It is the method of the current subscription, because
    #: it is called for each packet of each viewer.
    take: Callable[[Any], None]

    def __init__(
        self,
        viewer: Viewer,
        stream: Stream,
        wants: Wants,
        sender: Sender,
        clock: IReactorTime,
        max_fps: float | None = None,
        window: int = 0,
        on_track: Callable[[Track], None] = lambda track: None,
    ) -> None:
        self._stream = stream
        self._wants = wants
        self._on_track = on_track
        self._subscription: Subscription | None = None
        self._hub: Hub[Any] | None = None
        self._window = window
        self._current: LatestSubscription | GopSubscription

        def make(hub: Any) -> LatestSubscription | GopSubscription:
            return subscription_class(hub)(
                viewer, hub, sender, clock, max_fps, self._window, self._leave
            )

        self._make = make
        self._use(stream.hub_for(wants))

    def start(self) -> None:
        """Send packets from now on."""
        self._subscription = self._stream.subscribe(self, self._wants)
        self._current.begin()

    def ready(self) -> None:
        """Send what the viewer has not had, if it is ready for it."""
        self._current.ready()

    @property
    def waits(self) -> bool:
        """True if a packet that was sent is not acknowledged yet; only with a window."""
        return self._current.waits

    def waits_for(self, seq: int) -> bool:
        """True if an acknowledgement of the packets up to this one would be new."""
        return self._current.waits_for(seq)

    def acknowledge(self, seq: int) -> None:
        """Note that the viewer has processed all packets up to this one."""
        self._current.acknowledge(seq)

    def ignore_acks(self) -> None:
        """Send packets as fast as the viewer reads: it acknowledges nothing any more."""
        self._window = 0
        self._current.ignore_acks()

    def finish(self, done: Callable[[], None]) -> None:
        """Send no more packets; call ``done`` when the current one has been sent."""
        self._current.finish(done)

    def close(self) -> None:
        """Send no more packets."""
        self._current.close()

    def on_moved(self) -> None:
        """Continue with the packets of another hub, by another subscription (hub.Sink)."""
        if self._subscription is not None:
            self._use(self._subscription.hub)

    def track_changed(self, track: Track) -> None:
        """Announce another track (hub.Sink)."""
        self.on_moved()
        self._on_track(track)

    def on_removed(self) -> None:
        """Close the connection after an internal error (hub.Sink)."""
        self._current.on_removed()

    def on_cleared(self) -> None:
        """Continue when the camera is live again (hub.Sink)."""
        self._current.on_cleared()

    def _use(self, hub: Hub[Any] | None) -> None:
        if hub is not None and hub is not self._hub:
            before = None if self._hub is None else self._current
            self._hub = hub
            self._current = made = self._make(hub)
            if before is not None:
                made.follow(before.last_seq)
            self.take = made.take

    def _leave(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.close()
