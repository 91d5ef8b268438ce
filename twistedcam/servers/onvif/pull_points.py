"""The subscriptions of ONVIF clients to events: each keeps what its client has not pulled."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from twistedcam.auth import Grant, TokenSession
from twistedcam.events import CameraChanged, Event, MotionChanged
from twistedcam.onvif.notifications import MOTION, SIGNAL_LOSS, PropertyChange
from twistedcam.onvif.soap import SoapFault
from twistedcam.runtime.timer import Timer
from twistedcam.util.camera_name import url_safe

if TYPE_CHECKING:
    from twistedcam.core.server import Server

#: The most subscriptions, and those of one client: address and token.
MAX_SUBSCRIPTIONS, MAX_OF_CLIENT = 64, 8
#: Changes that are kept for a client that does not pull them; older ones are left out.
MAX_CHANGES = 200
#: Seconds that a subscription lasts, if the client asks for none, and at least and at most. One
#: that is pulled from lasts for DEFAULT_TIME longer.
DEFAULT_TIME, MIN_TIME, MAX_TIME = 60.0, 10.0, 3600.0


class PullPoint:
    """One client's subscription.

    Arguments:
        client: the address and the name of the token.
        grant: the rights of the token.
        topics: the topics that the client wants.
        clock: measures its time.
        on_end: called when the time is over.
    """

    def __init__(
        self,
        client: tuple[str, str],
        grant: Grant,
        topics: frozenset[str],
        clock: IReactorTime,
        on_end: Callable[[PullPoint], None],
    ) -> None:
        self.id = secrets.token_hex(16)
        self.client = client
        self.grant = grant
        #: Ends it with the token.
        self.token_session: TokenSession | None = None
        self._topics = topics
        self._clock = clock
        self._on_end = on_end
        self._end_timer = Timer(clock)
        self._ends_at = 0.0
        self._changes: deque[PropertyChange] = deque(maxlen=MAX_CHANGES)
        #: The value of each property that was told last, by topic and camera.
        self._told: dict[tuple[str, str], bool] = {}
        #: The pull that waits; it fires with False if its client is gone.
        self._pull: Deferred[bool] | None = None
        self._pull_timer = Timer(clock)

    @property
    def seconds_left(self) -> float:
        """The seconds until its end."""
        return max(0.0, self._ends_at - self._clock.seconds())

    def renew(self, seconds: float) -> None:
        """Let it last for some seconds from now on, within the limits."""
        seconds = min(max(seconds, MIN_TIME), MAX_TIME)
        self._ends_at = self._clock.seconds() + seconds
        self._end_timer.start(seconds, self._on_end, self)

    def add(self, changes: Iterable[PropertyChange], *, is_repeated: bool = False) -> None:
        """Keep changes that the client may see, for its next pull.

        Arguments:
            is_repeated: True to tell values that it knows, too.
        """
        for each in changes:
            key = each.topic, each.source
            is_first = is_repeated or key not in self._told
            if each.topic not in self._topics or (not is_first and self._told[key] == each.state):
                continue
            self._told[key] = each.state
            self._changes.append(
                PropertyChange(each.topic, each.source, each.state, each.time, is_first)
            )
        if self._changes:
            self._end_pull()

    async def pull(self, timeout: float, limit: int) -> list[PropertyChange]:
        """Return the changes that are kept; if there are none, wait for one.

        Arguments:
            timeout: seconds to wait at most.
            limit: the number of changes at most.
        """
        self.renew(max(self.seconds_left, timeout + DEFAULT_TIME))
        self._end_pull()  # an earlier one, whose client has asked again
        if not self._changes and timeout > 0:
            pull = self._pull = Deferred()
            self._pull_timer.start(timeout, self._end_pull)
            if not await pull:
                return []
        return [self._changes.popleft() for _ in range(min(limit, len(self._changes)))]

    def end(self) -> None:
        """Release everything: it is over."""
        self._end_timer.cancel()
        self._end_pull()
        if self.token_session is not None:
            self.token_session.close()

    def abandon_pull(self) -> None:
        """End a pull whose client is gone: the changes are kept for its next one."""
        self._end_pull(has_client=False)

    def _end_pull(self, *, has_client: bool = True) -> None:
        self._pull_timer.cancel()
        pull, self._pull = self._pull, None
        if pull is not None:
            pull.callback(has_client)


class PullPoints:
    """The subscriptions of all clients.

    Arguments:
        server: the server whose events they get.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._pull_points: dict[str, PullPoint] = {}
        self._stop_listening: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self._pull_points)

    def open(self, address: str, grant: Grant, topics: frozenset[str], seconds: float) -> PullPoint:
        """Return a new subscription, which begins with the value of each property.

        Arguments:
            address: the host of the client.
            seconds: its time.

        Raises:
            SoapFault: there are too many.
        """
        client = address, grant.name
        own = [each for each in self._pull_points.values() if each.client == client]
        if len(own) >= MAX_OF_CLIENT or len(self) >= MAX_SUBSCRIPTIONS:
            raise SoapFault(
                f"there are too many subscriptions: {MAX_OF_CLIENT} of a client and "
                f"{MAX_SUBSCRIPTIONS} in all are possible",
                "ter:Action",
                "ter:MaxSubscriptions",
                is_sender=False,
            )
        made = PullPoint(client, grant, topics, self._server.clock, self.close)
        self._pull_points[made.id] = made
        made.token_session = self._server.authenticator.open_session(
            grant,
            lambda now: (now.rights, now.cameras) == (grant.rights, grant.cameras),
            lambda why: self.close(made),
        )
        made.renew(seconds)
        if self._stop_listening is None:
            self._stop_listening = self._server.events.subscribe(self._on_event)
        self.synchronize(made)
        return made

    def find(self, id: str, grant: Grant) -> PullPoint:
        """Return a subscription of a token.

        Raises:
            SoapFault: there is none, or not any more.
        """
        found = self._pull_points.get(id)
        if found is None or found.grant.name != grant.name:
            reason = "there is no such subscription, or its time is over: create another one"
            raise SoapFault(reason, "ter:InvalidArgVal", "ter:NoSubscription")
        return found

    def synchronize(self, subscription: PullPoint) -> None:
        """Tell the value of each property, even if it was told before."""
        now, server = time.time(), self._server
        changes = []
        for name, channel in server.channels.items():
            if subscription.grant.covers(name):
                is_moving = channel.motion.state == "moving"
                changes.append(PropertyChange(MOTION, url_safe(name), is_moving, now))
                changes.append(
                    PropertyChange(SIGNAL_LOSS, url_safe(name), self._is_lost(name), now)
                )
        subscription.add(changes, is_repeated=True)

    def close(self, subscription: PullPoint) -> None:
        """End a subscription. Does nothing if it is over."""
        if self._pull_points.pop(subscription.id, None) is None:
            return
        subscription.end()
        if not self._pull_points and self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None

    def _on_event(self, event: Event) -> None:
        if isinstance(event, MotionChanged):
            at = event.time or time.time()
            change = PropertyChange(MOTION, url_safe(event.camera), event.state == "begin", at)
        elif isinstance(event, CameraChanged) and event.camera in self._server.channels:
            is_lost = self._is_lost(event.camera)
            change = PropertyChange(SIGNAL_LOSS, url_safe(event.camera), is_lost, time.time())
        else:
            return
        for each in tuple(self._pull_points.values()):
            if each.grant.covers(event.camera):
                each.add([change])

    def _is_lost(self, name: str) -> bool:
        """True if a camera gives no picture. One that waits for viewers gives one when asked."""
        camera = self._server.channels[name].camera
        return camera.state != "live" and not camera.is_idle
