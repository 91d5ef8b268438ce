"""WS-Discovery: tells ONVIF clients in the local network where the device service is."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from twistedcam.errors import TooOften
from twistedcam.net.addresses import IPAddress, parse_ip
from twistedcam.net.interfaces import InterfaceAddress, neighbour_of, outside_addresses
from twistedcam.net.rate_limit import RateLimiter
from twistedcam.onvif.soap import parse_message
from twistedcam.onvif.ws_discovery import (
    GROUP,
    MAX_MESSAGE,
    PORT,
    DeviceDescription,
    bye,
    hello,
    is_wanted,
    matches,
)
from twistedcam.onvif.xml import XmlError
from twistedcam.runtime.threads import run_in_thread
from twistedcam.servers.onvif.device import scopes

if TYPE_CHECKING:
    from twistedcam.core.server import Server
    from twistedcam.net.listener import Listener

log = Logger()

#: Answers a second at most: to one address, and to all together. Sources of UDP can be forged.
ANSWERS_TO_ONE, ANSWERS_TO_ALL = 4, 40
#: Messages a second that are read at most.
READ = 200
#: Seconds between two looks at the interfaces.
PERIOD = 15.0


class _Receiver(DatagramProtocol):
    """Passes messages on."""

    noisy = False

    def __init__(self, receive: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._receive = receive

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self._receive(datagram, (addr[0], addr[1]))


class WsDiscovery(Service):
    """Answers probes, and announces the start and the end of the server.

    Only the ports of HTTP are announced that other machines can reach. Only addresses in the
    networks of this machine's interfaces get answers, and only a few a second: an answer is larger
    than its question, which may have a forged source.

    Arguments:
        reactor: the reactor.
        server: the server.
        listeners: the ports of HTTP.
        device_id: the UUID of the server.
        find_addresses: returns the addresses of the interfaces; called in a thread.
        port: UDP port.
    """

    def __init__(
        self,
        reactor: Any,
        server: Server,
        listeners: Sequence[Listener],
        device_id: str,
        find_addresses: Callable[[], list[InterfaceAddress]],
        port: int = PORT,
    ) -> None:
        self._reactor = reactor
        self._server = server
        self._listeners = listeners
        self._id = device_id
        self._find = find_addresses
        self._port_number = port
        self._port: Any = None
        self._found: list[InterfaceAddress] = []
        self._joined: set[str] = set()
        self._loop = LoopingCall(self._look)
        self._loop.clock = reactor
        self._sequence = (0, 0)
        self._limits = [
            RateLimiter(reactor, lambda: READ),
            RateLimiter(reactor, lambda: ANSWERS_TO_ALL),
            RateLimiter(reactor, lambda: ANSWERS_TO_ONE),
        ]

    @property
    def device(self) -> DeviceDescription:
        """The description of the server."""
        has_ptz = any(each.ptz.is_available for each in self._server.channels.values())
        host = socket.gethostname().partition(".")[0] or "localhost"
        return DeviceDescription(self._id, scopes(host, has_ptz=has_ptz))

    def startService(self) -> None:
        """Listen, unless no port can be announced."""
        super().startService()
        if not any(each.is_reachable for each in self._listeners):
            log.warn("ONVIF is not announced: no HTTP port can be reached by other machines")
            return
        self._sequence = (int(time.time()), 0)
        try:
            self._port = self._reactor.listenMulticast(
                self._port_number, _Receiver(self._received), listenMultiple=True
            )
        except CannotListenError as error:
            log.warn("ONVIF is not announced: {why}", why=str(error))
            return
        handle: socket.socket = self._port.getHandle()
        handle.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        self._loop.start(PERIOD)

    def stopService(self) -> Deferred[Any]:
        """Say goodbye, and listen no longer."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()
        port, self._port = self._port, None
        if port is None:
            return maybeDeferred(lambda: None)
        for each in self._found:
            if each.text in self._joined:
                self._send_to_group(port, bye(self.device, self._next()), each)
        self._joined.clear()
        return maybeDeferred(port.stopListening)

    async def _refresh(self) -> None:
        found = await run_in_thread(self._server.make_thread, self._find)
        if self._port is None:
            return
        self._found = found
        usable = [each for each in found if each.ip.version == 4]
        outside = {each.text for each in outside_addresses(usable)}
        for each in usable:
            if each.text in self._joined or not self._join(each):
                continue
            addresses = self._addresses(each.ip)
            if each.text in outside and addresses:
                log.info("announced as ONVIF device: {address}", address=addresses[0])
                self._send_to_group(self._port, hello(self.device, addresses, self._next()), each)
        self._joined &= {each.text for each in usable}

    def _look(self) -> None:
        refreshing = Deferred.fromCoroutine(self._refresh())
        refreshing.addErrback(lambda why: log.failure("WS-Discovery failed", failure=why))

    def _join(self, each: InterfaceAddress) -> bool:
        """Join the group on an interface; return True if that is possible."""
        member = socket.inet_aton(GROUP) + socket.inet_aton(each.text)
        handle: socket.socket = self._port.getHandle()
        try:
            handle.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:  # this is another address of the same interface
                return False  # an interface without multicast
        self._joined.add(each.text)
        return True

    def _addresses(self, own: IPAddress) -> list[str]:
        """Return the addresses of the device service at an address of this machine."""
        found = []
        for listener in self._listeners:
            bound = listener.bound_to
            if bound is None or not listener.is_reachable:
                continue
            if bound[0].is_unspecified or bound[0] == own:
                scheme = f"http{'s' * listener.is_tls}"
                found.append(f"{scheme}://{own}:{bound[1]}/onvif/device_service")
        return found

    def _received(self, data: bytes, source: tuple[str, int]) -> None:
        """Answer a message, if it asks for this device."""
        ip = parse_ip(source[0])
        if ip is None or len(data) > MAX_MESSAGE or self._port is None:
            return
        near = neighbour_of(self._found, ip)
        if near is None:
            return
        reading, to_all, to_one = self._limits
        with suppress(TooOften, XmlError):
            reading.acquire("")
            request = parse_message(data)
            if not is_wanted(request, self.device):
                return
            addresses = self._addresses(near.ip)
            if not addresses:
                return
            to_one.acquire(source[0])
            to_all.acquire("")
            answer = matches(self.device, addresses, request, self._next())
            with suppress(OSError):
                self._port.write(answer, source)

    def _send_to_group(self, port: Any, data: bytes, each: InterfaceAddress) -> None:
        handle: socket.socket = port.getHandle()
        with suppress(OSError):
            interface = socket.inet_aton(each.text)
            handle.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
            handle.sendto(data, (GROUP, self._port_number))

    def _next(self) -> tuple[int, int]:
        self._sequence = (self._sequence[0], self._sequence[1] + 1)
        return self._sequence
