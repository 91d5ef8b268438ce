"""Notifications over HTTP: the page switches them on and off for the browser that it runs in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from twistedcam.auth import ANYONE, NOBODY, Grant
from twistedcam.errors import BadArgument, Forbidden, NotSupported
from twistedcam.notifications.devices import PushDevice, device_from
from twistedcam.notifications.notifier import Notifier
from twistedcam.recording.writer.disk_space import check_mount
from twistedcam.servers.http.api.commands import read_body
from twistedcam.servers.http.connection.reply import Reply, json_reply
from twistedcam.servers.http.connection.request import HttpRequest
from twistedcam.servers.http.connection.router import Router

if TYPE_CHECKING:
    from twistedcam.core.server import Server


class PushPages:
    """Answers ``/push``. All requests need the right ``view``.

    On a server with tokens they need a login to the page: a device gets notifications as long as
    that lasts.
    """

    def __init__(self, server: Server, notifier: Notifier) -> None:
        self._server = server
        self._notifier = notifier

    def add_routes(self, router: Router) -> None:
        """Add the routes to a router."""
        router.add("GET", "/push", self._describe, "view")
        for path, handler in (
            ("/push/device", self._put),
            ("/push/find", self._find),
            ("/push/test", self._test),
            ("/push/forget", self._forget),
        ):
            router.add("POST", path, handler, "view")

    async def _describe(self, request: HttpRequest) -> Reply:
        """Return the server's key, or the reason why there are no notifications."""
        try:
            self._login(request)
            key = await self._notifier.public_key()
        except (Forbidden, NotSupported) as error:
            return json_reply({"available": False, "reason": str(error)})
        return json_reply({"available": True, "key": key})

    async def _put(self, request: HttpRequest) -> Reply:
        device = device_from(read_body(request), self._login(request))
        await self._notifier.add(device)
        return json_reply(_settings(device))

    def _find(self, request: HttpRequest) -> Reply:
        found = self._device(request)
        return json_reply({"found": False} if found is None else _settings(found))

    async def _test(self, request: HttpRequest) -> Reply:
        found = self._device(request)
        if found is None:
            raise BadArgument("this device gets no notifications: switch them on first")
        await self._notifier.test(found)
        return json_reply({})

    def _forget(self, request: HttpRequest) -> Reply:
        found = self._device(request)
        if found is not None:
            self._notifier.devices.remove(found.endpoint)
        return json_reply({})

    def _device(self, request: HttpRequest) -> PushDevice | None:
        """Return the device of a request's endpoint, if it is one of its login."""
        endpoint = read_body(request).get("endpoint")
        if not isinstance(endpoint, str):
            raise BadArgument("endpoint must be a text")
        return self._notifier.device_of(self._login(request), endpoint)

    def _login(self, request: HttpRequest) -> str:
        """Return the key of the request's login; empty on a server without tokens.

        Raises:
            Forbidden: there is a token, and no login to the page.
        """
        if not self._server.authenticator.is_needed:
            return ""
        if request.login is None:
            raise Forbidden("notifications need a login to the page: they end with it")
        return request.login.key


def _settings(device: PushDevice) -> dict[str, bool]:
    return {"found": True, "motion": device.motion, "faults": device.faults}


def make_notifier(server: Server, contact: str, allows_private: bool) -> Notifier:
    """Return what sends a server's notifications.

    Arguments:
        contact, allows_private: as of Notifier.
    """
    return Notifier(
        server.recordings,
        server.events,
        server.clock,
        server.make_thread,
        title=server.title_of,
        grant_of=partial(login_grant, server),
        check=lambda: check_mount(server.recordings, server.record_settings.require_mount),
        contact=contact,
        allows_private=allows_private,
    )


def login_grant(server: Server, login: str) -> Grant | None:
    """Return what a device may know whose notifications end with a login; None if that has ended.

    Arguments:
        login: the key of the login; empty for a device that was added without tokens.
    """
    if server.authenticator.is_needed:
        return server.logins.grant_of(login)
    # A server that is started without tokens for once does not forget the devices.
    return NOBODY if login else ANYONE
