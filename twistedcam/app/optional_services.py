"""The services that a server has only if its options name them; others are not imported."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.logger import Logger

from twistedcam.commands import Registry
from twistedcam.config.options import ServeOptions
from twistedcam.core.server import Server
from twistedcam.net.device_id import device_id
from twistedcam.net.listener import Listener

if TYPE_CHECKING:
    from twistedcam.servers.discovery import Announcer

log = Logger()


def make_mqtt(
    reactor: Any, server: Server, registry: Registry, options: ServeOptions
) -> list[Service]:
    """Return the connection to the broker of MQTT, or nothing."""
    if options.mqtt is None:
        return []
    from twistedcam.servers.mqtt.bridge import Bridge

    return [Bridge(reactor, server, registry, options.mqtt)]


def make_announcers(
    reactor: Any, server: Server, listeners: dict[str, list[Listener]], options: ServeOptions
) -> tuple[Announcer, Service] | tuple[()]:
    """Return the services that announce the ports in the local network, or nothing.

    Arguments:
        listeners: the ports by purpose.
    """
    if not options.discovery:
        return ()
    from twistedcam.net.interfaces import interface_addresses
    from twistedcam.servers.discovery import Announcer
    from twistedcam.servers.onvif.discovery import WsDiscovery

    own_id = device_id(options.recordings)
    return (
        Announcer(reactor, server, listeners, own_id),
        WsDiscovery(reactor, server, listeners["http"], own_id, interface_addresses),
    )


def make_keys(
    reactor: Any, server: Server, registry: Registry, options: ServeOptions, see_log: bool
) -> list[Service]:
    """Return the service that reads keys from the terminal, or nothing.

    Arguments:
        see_log: True if the log is written to the terminal.
    """
    if not options.keys:
        return []
    from twistedcam.servers.console.keys import Keys
    from twistedcam.servers.console.terminal import Terminal, discard_output

    def on_closed() -> None:
        # Nobody can stop the program there any more.
        discard_output()
        log.info("the terminal was closed: shutting down (to avoid that use nohup or --no-keys)")
        server.on_shutdown()

    # The original standard output, because twistd redirects sys.stdout to its log.
    tell = partial(print, file=sys.__stdout__, flush=True)
    keys = Keys(server, registry, tell, see_log)
    return [Terminal(reactor, keys.on_typed, lambda: tell(keys.help()), on_closed)]
