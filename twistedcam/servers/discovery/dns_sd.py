"""Announces services by multicast DNS, in threads of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from twistedcam.errors import BadArgument
from twistedcam.net.interfaces import missing_library
from twistedcam.servers.discovery.announcements import Announcement

#: Seconds for one service to be announced: three probes, and names that are taken.
_PATIENCE = 15.0
#: Milliseconds in which another server answers that it has a name; the most names that are tried.
_PROBE_MS, _MAX_NUMBER = 1500, 5
#: Seconds to withdraw all.
_GOODBYE = 2.0


class DnsSd:
    """The services that are announced now. All methods block: call them on one thread.

    Arguments:
        host: the first label of the host name that the services are at, unique in the network.
        option: its name, for the error.

    Raises:
        BadArgument: zeroconf is not installed.
    """

    def __init__(self, host: str, option: str = "--discovery") -> None:
        try:
            import zeroconf
        except ImportError:
            raise BadArgument(missing_library(option)) from None
        self._library = zeroconf
        self._host = f"{host}.local."
        self._interfaces: tuple[str, ...] = ()
        self._zeroconf: Any = None
        self._announced: dict[Announcement, Any] = {}

    def announce(
        self, wanted: Sequence[Announcement], interfaces: Sequence[str]
    ) -> dict[Announcement, str]:
        """Announce these services and no others.

        Arguments:
            interfaces: addresses of the interfaces to announce them on, all of one IP version.

        Returns:
            The services with the names that they have got: another service may have had one's name.

        Raises:
            OSError: multicast is not possible.
        """
        if tuple(interfaces) != self._interfaces:
            self.close()
        if not interfaces:
            return {}
        if self._zeroconf is None:
            versions = self._library.IPVersion
            version = versions.V6Only if ":" in interfaces[0] else versions.V4Only
            self._zeroconf = self._library.Zeroconf(list(interfaces), ip_version=version)
            self._interfaces = tuple(interfaces)
        gone = [each for each in self._announced if each not in wanted]
        self._together(
            [self._zeroconf.async_unregister_service(self._announced.pop(each)) for each in gone]
        )
        new = {each: self._info(each) for each in wanted if each not in self._announced}
        self._together([self._register(info) for info in new.values()])
        self._announced.update(new)
        return {
            each: info.name.removesuffix(f".{info.type}") for each, info in self._announced.items()
        }

    def close(self) -> None:
        """Withdraw all services, and close all sockets."""
        zeroconf, self._zeroconf = self._zeroconf, None
        self._announced.clear()
        self._interfaces = ()
        if zeroconf is not None:
            with suppress(TimeoutError, OSError):  # the records expire by themselves
                asyncio.run_coroutine_threadsafe(
                    zeroconf.async_unregister_all_services(), zeroconf.loop
                ).result(_GOODBYE)
            zeroconf.close()

    def _info(self, each: Announcement) -> Any:
        return self._library.ServiceInfo(
            f"{each.type}.local.",
            f"{each.name}.{each.type}.local.",
            port=each.port,
            parsed_addresses=list(each.addresses),
            properties=dict(each.properties),
            server=self._host,
        )

    async def _register(self, info: Any) -> Any:
        """Announce a service; if its name is taken, with a number after it.

        The probes of zeroconf miss another server of this machine: it sends its answer to a port
        that both have.
        """
        name, number = info.name.removesuffix(f".{info.type}"), 1
        while number < _MAX_NUMBER:
            other = self._library.ServiceInfo(info.type, info.name)
            found = await other.async_request(self._zeroconf, _PROBE_MS)
            if not found or (other.server or "").lower() == self._host.lower():
                break
            number += 1
            info.name = f"{name}-{number}.{info.type}"
        return await self._zeroconf.async_register_service(info, allow_name_change=True)

    def _together(self, calls: Sequence[Any]) -> None:
        """Wait for calls of zeroconf's own loop, and for the packets that they send."""

        async def run(call: Any) -> None:
            sending = await call
            if sending is not None:
                await sending

        async def run_all() -> None:
            await asyncio.gather(*map(run, calls))

        if calls:
            running = asyncio.run_coroutine_threadsafe(run_all(), self._zeroconf.loop)
            running.result(_PATIENCE)
