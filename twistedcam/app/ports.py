"""Ports that are opened to the network, and closed again, while the server runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from twisted.application.service import MultiService
from twisted.internet.defer import maybeDeferred
from twisted.logger import Logger

from twistedcam.auth import Authenticator, TokenFile
from twistedcam.config.interfaces import PORTS
from twistedcam.config.options import ServeOptions
from twistedcam.core.server import Server
from twistedcam.net.listener import Listener, check_endpoint
from twistedcam.servers.http import Guard, proxied_names
from twistedcam.servers.http.connection.request import HttpRequest
from twistedcam.servers.http.connection.router import Router

log = Logger()

#: The purposes of the ports by their options.
_PURPOSES = {"http": "http", "rtsp": "rtsp", "listen": "frames"}


class PortSwitch:
    """Replaces listeners by others on the same ports. Connections stay.

    Arguments:
        service: the parent of the listeners.
        listeners: the listeners by purpose; they are replaced in these lists.
        make: returns a listener without a parent for a purpose and an endpoint.
        authenticator: asks for tokens.
    """

    def __init__(
        self,
        service: MultiService,
        listeners: Mapping[str, list[Listener]],
        make: Callable[[str, str], Listener],
        authenticator: Authenticator,
    ) -> None:
        self._service = service
        self._listeners = listeners
        self._make = make
        self._authenticator = authenticator

    def use_tokens(self, after: ServeOptions) -> bool:
        """Begin to ask for tokens if the options have them, and the server asks for none.

        Raises:
            BadArgument: the file of tokens cannot be read; nothing has changed.
        """
        if after.tokens is None or self._authenticator.is_needed:
            return False
        self._authenticator.begin(TokenFile(after.tokens))
        log.info("clients need a token or a password from now on: {file}", file=str(after.tokens))
        return True

    async def use(self, before: ServeOptions, after: ServeOptions) -> dict[str, list[str]]:
        """Listen on the endpoints of other options, where only the interface differs.

        Returns: the endpoints by option as they are now, of the options that have changed.

        Raises:
            BadArgument: other machines could reach an endpoint without tokens.
            StartupError: a port is not available; the server listens as before.
        """
        wanted = {
            option: getattr(after, option)
            for option in PORTS
            if getattr(before, option) != getattr(after, option)
            and len(getattr(before, option)) == len(getattr(after, option))
        }
        if not self._authenticator.is_needed and not after.insecure:
            for endpoint in (each for endpoints in wanted.values() for each in endpoints):
                check_endpoint(endpoint)
        done: list[tuple[list[Listener], int, Listener]] = []
        try:
            for option, endpoints in wanted.items():
                listeners = self._listeners[_PURPOSES[option]]
                for number, endpoint in enumerate(endpoints):
                    old = listeners[number]
                    if old.description == endpoint or old.is_missing:
                        continue
                    new = self._make(_PURPOSES[option], endpoint)
                    await self._replace(old, new)
                    listeners[number] = new
                    done.append((listeners, number, old))
        except Exception:
            for listeners, number, old in reversed(done):
                await self._replace(listeners[number], old)
                listeners[number] = old
            raise
        return wanted

    async def _replace(self, old: Listener, new: Listener) -> None:
        """Stop a listener and start another; if that fails, the old one listens again."""
        await maybeDeferred(old.disownServiceParent)
        try:
            new.setServiceParent(self._service)
        except Exception:
            await maybeDeferred(new.disownServiceParent)
            old.setServiceParent(self._service)
            raise
        log.info("listening on {new} in place of {old}", new=new.address, old=old.description)


def answer_on(
    listener: Listener, server: Server, options: ServeOptions, router: Callable[[], Router | None]
) -> Callable[[HttpRequest], None]:
    """Return a function that answers the HTTP requests on a listener.

    Arguments:
        router: returns the routes.
    """
    control = options.http_cors_control
    strict = Guard(options.http_names, proxied_names(), cors=options.http_cors, control=control)
    anywhere = replace(strict, any_name=True)

    def answer(request: HttpRequest) -> None:
        # The real address, because "systemd:" has none; nor has a listener that was replaced.
        is_local = listener.is_on_loopback or listener.port is None
        secret = is_local and not server.authenticator.is_needed
        found = router()
        assert found is not None
        found.answer(strict if secret else anywhere, request)

    return answer
