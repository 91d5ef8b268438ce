"""Sends notifications about events to devices."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.auth import Grant
from twistedcam.errors import (
    DiskError,
    Forbidden,
    NotSupported,
    PushFailed,
    TooOften,
    TwistedcamError,
)
from twistedcam.events import CameraChanged, Event, EventBus
from twistedcam.notifications.devices import PushDevice, PushDevices
from twistedcam.notifications.messages import PushMessage, message_of
from twistedcam.notifications.vapid_key import VapidKey
from twistedcam.runtime.extras import how_to_install
from twistedcam.runtime.threads import Thread, run_in_thread

if TYPE_CHECKING:
    from twistedcam.notifications.push_client import PushClient

log = Logger()

#: Seconds until a camera without a picture is news, and until an event has its picture.
LOST_AFTER = 10.0
PICTURE_WAIT = 1.0
#: Seconds between two messages of one topic to a device, and most messages to a device in an hour.
MOTION_PERIOD, FAULT_PERIOD = 60.0, 300.0
MAX_AN_HOUR = 60
#: Messages that are sent at the same time, and that wait for it, at most.
MAX_RUNNING = 4
MAX_WAITING = 500
#: Seconds for which a push service that is too busy is left alone, if it does not say.
BUSY_WAIT = 60
_HOUR = 3600.0
#: Failures in a row after which a device is removed.
MAX_FAILURES = 50
#: The status of an answer for a device that is gone, and for one that asks for patience.
_GONE = (404, 410)
_BUSY = (429, 500, 502, 503, 504)


class _Sent:
    """The messages that were sent to a device."""

    def __init__(self) -> None:
        #: The times of those of the last hour, and of the last one of each topic.
        self.times: deque[float] = deque()
        self.topics: dict[str, float] = {}
        #: Failures since the last one that was accepted.
        self.failures = 0
        #: The time until which its push service is left alone.
        self.held_until = 0.0


class Notifier(Service):
    """Sends notifications from ``startService`` to ``stopService``.

    Arguments:
        folder: the recordings folder, which keeps the devices.
        events: the server's events.
        clock: measures the time.
        make_thread: returns a new thread.
        title: returns the title of an event's camera, or None.
        grant_of: returns what the login of a device allows now; None if it has ended.
        check: raises DiskError while the folder must not be used.
        contact: as of PushClient.
        allows_private: as of PushClient.
    """

    def __init__(
        self,
        folder: Path,
        events: EventBus,
        clock: IReactorTime,
        make_thread: Callable[[], Thread],
        *,
        title: Callable[[Event], str | None],
        grant_of: Callable[[str], Grant | None],
        check: Callable[[], None],
        contact: str,
        allows_private: bool = False,
    ) -> None:
        self.devices = PushDevices(folder, check)
        self._key = VapidKey(folder, check)
        self._events = events
        self._clock = clock
        self._make_thread = make_thread
        self._title = title
        self._grant_of = grant_of
        self._contact = contact
        self._allows_private = allows_private
        self._client: PushClient | None = None
        self._sent: dict[str, _Sent] = {}
        self._waiting: deque[tuple[PushDevice, PushMessage]] = deque()
        self._running = 0
        self._states: dict[str, str] = {}
        #: The scheduled reports of lost cameras, and the cameras that were reported as lost.
        self._losses: dict[str, Any] = {}
        self._reported_lost: set[str] = set()
        #: The scheduled messages that wait for the pictures of their events.
        self._delayed: set[Any] = set()
        self._unsubscribe: Callable[[], None] = lambda: None

    @property
    def is_available(self) -> bool:
        """True if the library is installed."""
        return find_spec("pywebpush") is not None

    def startService(self) -> None:
        """Send notifications from now on."""
        super().startService()
        self._unsubscribe = self._events.subscribe(self._on_event)

    def stopService(self) -> None:
        """Send no more."""
        self._unsubscribe()
        for call in (*self._losses.values(), *self._delayed):
            call.cancel()
        self._losses.clear()
        self._delayed.clear()
        self._waiting.clear()
        super().stopService()

    async def public_key(self) -> str:
        """Return the key that browsers need to make an endpoint for this server.

        Raises:
            NotSupported: the library is missing.
            DiskError: the key cannot be kept.
        """
        self._require_library()
        key: str = await self._in_thread(self._key.public_text)
        return key

    async def add(self, device: PushDevice) -> None:
        """Add a device, or change its settings.

        Raises:
            NotSupported: the library is missing.
            BadArgument: a value is not valid, or the endpoint may not be used.
            TooMany, DiskError: it cannot be kept.
        """
        self._require_library()
        private = self._allows_private
        await self._in_thread(lambda: _check(device.endpoint, private))
        self.devices.put(device)
        log.info("notifications: a device of {host} was added", host=device.host)

    def device_of(self, login: str, endpoint: str) -> PushDevice | None:
        """Return the device of an endpoint if it belongs to a login, or None."""
        found = self.devices.get(endpoint)
        return found if found is not None and found.login == login else None

    async def test(self, device: PushDevice) -> None:
        """Send a notification to a device now.

        Raises:
            PushFailed: it was not accepted.
            TooOften: there were too many.
        """
        now = self._clock.seconds()
        message = PushMessage("test", None, None, time.time())
        if not self._may_send(device, message, now):
            raise TooOften("this device has had too many notifications: try again later")
        self._note(device, message, now)
        try:
            await self._send(device, message)
        except PushFailed as error:
            self._on_failure(device, error)
            raise

    def _require_library(self) -> None:
        if not self.is_available:
            raise NotSupported(
                f"notifications need a library; install it with {how_to_install('push')}"
            )

    def _on_event(self, event: Event) -> None:
        if isinstance(event, CameraChanged):
            self._on_state(event)
            return
        message = message_of(event, self._title(event), time.time())
        if message is None or not self.devices.all():
            return
        if message.event is None:
            self._offer(message)
            return

        def send() -> None:
            self._delayed.discard(call)
            self._offer(message)

        call = self._clock.callLater(PICTURE_WAIT, send)
        self._delayed.add(call)

    def _on_state(self, event: CameraChanged) -> None:
        name = event.camera
        if self._states.get(name) == event.state:
            return  # only the reason or the size has changed
        self._states[name] = event.state
        loss = self._losses.pop(name, None)
        if loss is not None:
            loss.cancel()
        if event.state == "recovering" and name not in self._reported_lost:
            self._losses[name] = self._clock.callLater(LOST_AFTER, self._on_lost, event)
        elif event.state in ("live", "stopped") and name in self._reported_lost:
            self._reported_lost.discard(name)
            if event.state == "live":
                self._offer(PushMessage("back", name, self._title(event), time.time()))

    def _on_lost(self, event: CameraChanged) -> None:
        del self._losses[event.camera]
        self._reported_lost.add(event.camera)
        title = self._title(event)
        self._offer(PushMessage("lost", event.camera, title, time.time(), reason=event.reason))

    def _offer(self, message: PushMessage) -> None:
        """Queue a message for all devices that want it and may get it."""
        now = self._clock.seconds()
        for device in self.devices.all():
            if not (device.motion if message.group == "motion" else device.faults):
                continue
            grant = self._grant_of(device.login)
            if grant is None:
                self._remove(device, "its login has ended")
            elif _may_know(grant, message) and self._may_send(device, message, now):
                if len(self._waiting) >= MAX_WAITING:
                    return
                self._note(device, message, now)
                self._waiting.append((device, message))
        self._begin_next()

    def _may_send(self, device: PushDevice, message: PushMessage, now: float) -> bool:
        sent = self._sent.setdefault(device.endpoint, _Sent())
        while sent.times and now - sent.times[0] >= _HOUR:
            sent.times.popleft()
        period = MOTION_PERIOD if message.group == "motion" else FAULT_PERIOD
        last = -period if message.kind == "test" else sent.topics.get(message.topic, -period)
        return now >= sent.held_until and len(sent.times) < MAX_AN_HOUR and now - last >= period

    def _note(self, device: PushDevice, message: PushMessage, now: float) -> None:
        sent = self._sent[device.endpoint]
        sent.times.append(now)
        sent.topics = {topic: at for topic, at in sent.topics.items() if now - at < FAULT_PERIOD}
        sent.topics[message.topic] = now

    def _begin_next(self) -> None:
        while self._waiting and self._running < MAX_RUNNING:
            device, message = self._waiting.popleft()
            self._running += 1
            sending = Deferred.fromCoroutine(self._deliver(device, message))
            sending.addErrback(lambda why: log.failure("a notification failed", failure=why))
            sending.addBoth(self._on_ended)

    def _on_ended(self, _: object) -> None:
        self._running -= 1
        self._begin_next()

    async def _deliver(self, device: PushDevice, message: PushMessage) -> None:
        try:
            await self._send(device, message)
        except TwistedcamError as error:
            self._on_failure(device, error)

    async def _send(self, device: PushDevice, message: PushMessage) -> None:
        topic = sha256(message.topic.encode()).hexdigest()[:32]
        urgency = "high" if message.group == "motion" else "normal"
        headers = {"Topic": topic, "Urgency": urgency}
        data = message.data(device.language)
        await self._in_thread(lambda: self._make_client().send(device, data, message.ttl, headers))
        self._sent.setdefault(device.endpoint, _Sent()).failures = 0

    def _make_client(self) -> PushClient:
        """Return the client; called in a thread, because its libraries are large."""
        if self._client is None:
            from twistedcam.notifications.push_client import PushClient

            self._client = PushClient(self._key.private(), self._contact, self._allows_private)
        return self._client

    def _on_failure(self, device: PushDevice, error: TwistedcamError) -> None:
        sent = self._sent.setdefault(device.endpoint, _Sent())
        sent.failures += 1
        status = error.status if isinstance(error, PushFailed) else None
        if status in _GONE:
            self._remove(device, "its browser does not want them any more")
            return
        if sent.failures >= MAX_FAILURES:
            self._remove(device, f"{MAX_FAILURES} of them were not accepted")
            return
        if isinstance(error, PushFailed) and status in _BUSY:
            wait = BUSY_WAIT if error.wait is None else min(error.wait, _HOUR)
            sent.held_until = self._clock.seconds() + wait
        if sent.failures == 1:
            log.warn("a notification was not sent: {why}", why=str(error))

    def _remove(self, device: PushDevice, why: str) -> None:
        log.info("{host}: a device gets no more notifications: {why}", host=device.host, why=why)
        self._sent.pop(device.endpoint, None)
        try:
            self.devices.remove(device.endpoint)
        except DiskError as error:
            log.warn("{why}", why=str(error))

    def _in_thread(self, call: Callable[[], Any]) -> Deferred[Any]:
        return run_in_thread(self._make_thread, call)


def _may_know(grant: Grant, message: PushMessage) -> bool:
    """True if a login may get a message: motion is about what pictures show."""
    if message.group == "motion":
        return grant.allows("view", message.camera)
    try:
        grant.require_right("view")
    except Forbidden:
        return False
    return grant.covers(message.camera)


def _check(endpoint: str, allows_private: bool) -> None:
    # Called in a thread, because its libraries are large.
    from twistedcam.notifications.push_client import check_endpoint

    check_endpoint(endpoint, allows_private)
