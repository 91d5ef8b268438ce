"""Keeps the announcements by DNS-SD up to date with ports, cameras and interfaces."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from twistedcam.events import Event
from twistedcam.net.interfaces import (
    InterfaceAddress,
    interface_addresses,
)
from twistedcam.runtime.threads import Thread
from twistedcam.runtime.timer import Timer
from twistedcam.servers.discovery.announcements import Announcement, announcements
from twistedcam.servers.discovery.dns_sd import DnsSd

if TYPE_CHECKING:
    from twistedcam.core.server import Server
    from twistedcam.net.listener import Listener

log = Logger()

#: Seconds between two looks at the interfaces: a computer may get its address after the start.
PERIOD = 15.0
#: Seconds after a change until it is announced, so that further changes are included.
DELAY = 0.5
#: Seconds to withdraw all announcements at the end.
STOP_TIMEOUT = 2.0


class Announcer(Service):
    """Announces the ports of a server that other machines can reach.

    Arguments:
        reactor: the reactor.
        server: the server.
        listeners: its ports by purpose.
        device_id: an id of the server that is unique and stays.
        host: the name of this machine; by default that of the system.
        find_addresses: returns the addresses of the interfaces; called in a thread.

    Raises:
        BadArgument: zeroconf is not installed.
    """

    def __init__(
        self,
        reactor: Any,
        server: Server,
        listeners: Mapping[str, Sequence[Listener]],
        device_id: str,
        host: str | None = None,
        find_addresses: Callable[[], list[InterfaceAddress]] | None = None,
    ) -> None:
        self._dns_sd = DnsSd(f"twistedcam-{device_id[:8]}")
        self._reactor = reactor
        self._server = server
        self._listeners = listeners
        self._host = (host or socket.gethostname()).partition(".")[0] or "localhost"
        self._find = find_addresses or interface_addresses
        self._thread: Thread | None = None
        self._loop = LoopingCall(self._update)
        self._loop.clock = reactor
        self._timer = Timer(reactor)
        self._is_busy = False
        #: The names that are announced, by announcement.
        self.announced: dict[Announcement, str] = {}
        self._problem = ""
        self._unsubscribe: Callable[[], None] = lambda: None

    def startService(self) -> None:
        """Begin to announce."""
        super().startService()
        self._thread = self._server.make_thread()
        self._unsubscribe = self._server.events.subscribe(self._on_event)
        self._loop.start(PERIOD)

    def stopService(self) -> Deferred[None]:
        """Withdraw all announcements; fires when this is done."""
        super().stopService()
        self._unsubscribe()
        self._timer.cancel()
        if self._loop.running:
            self._loop.stop()
        thread, self._thread = self._thread, None
        self.announced = {}
        done: Deferred[None] = Deferred()
        if thread is None:
            done.callback(None)
            return done
        closing = thread.run(self._dns_sd.close)
        thread.end()
        closing.addErrback(lambda why: log.failure("announcements were not withdrawn", failure=why))
        closing.chainDeferred(done)
        return done.addTimeout(STOP_TIMEOUT, self._reactor, lambda *_: None)

    def update(self) -> None:
        """Announce what has changed, soon."""
        if self.running:
            self._timer.start_unless_pending(DELAY, self._update)

    def _on_event(self, event: Event) -> None:
        if event.kind == "state":  # a camera comes, goes, or has another title
            self.update()

    def _update(self) -> None:
        if self._thread is None:
            return
        if self._is_busy:
            self.update()
            return
        self._is_busy = True
        updating = Deferred.fromCoroutine(self._announce(self._thread))
        updating.addBoth(self._updated)
        updating.addErrback(lambda why: log.failure("DNS-SD failed", failure=why))

    async def _announce(self, thread: Thread) -> None:
        found = await thread.run(self._find)
        wanted = announcements(self._server, self._listeners, self._host, found)
        used = {address for each in wanted for address in each.addresses}
        usable = [each for each in found if each.text in used]
        version = 4 if any(each.ip.version == 4 for each in usable) else 6
        interfaces = [each.text for each in usable if each.ip.version == version]
        if self._thread is None:
            return
        before = self.announced
        try:
            names = await thread.run(lambda: self._dns_sd.announce(wanted, interfaces))
        except Exception as error:  # OSError, TimeoutError, and those of zeroconf
            self.announced = {}
            await thread.run(self._dns_sd.close)
            self._warn(f"{error or type(error).__name__}")
            return
        self._problem = ""
        if self._thread is None:
            return
        self.announced = names
        _log_changes(before, names)
        if not names:
            self._warn("no port can be reached by other machines")

    def _updated(self, result: Any) -> Any:
        self._is_busy = False
        return result

    def _warn(self, why: str) -> None:
        """Log a problem once."""
        if why != self._problem:
            self._problem = why
            log.warn("nothing is announced in the local network: {why}", why=why)


def _log_changes(before: Mapping[Announcement, str], after: Mapping[Announcement, str]) -> None:
    for each, name in after.items():
        if each not in before:
            log.info(
                "announced in the local network: {type} {name!r} at {addresses}, port {port}",
                type=each.type,
                name=name,
                addresses=", ".join(each.addresses),
                port=each.port,
            )
    for each, name in before.items():
        if each not in after:
            log.info(
                "no longer announced in the local network: {type} {name!r}",
                type=each.type,
                name=name,
            )
