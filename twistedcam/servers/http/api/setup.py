"""The first setup of the page over HTTP, previews of new cameras, and QR codes."""

from __future__ import annotations

import io
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

from twistedcam.errors import BadArgument
from twistedcam.servers.http.api.commands import PREFIX, as_text, read_body
from twistedcam.servers.http.api.configuration import Configuration, guarded
from twistedcam.servers.http.api.found_cameras import CameraSearch
from twistedcam.servers.http.api.openapi import SETUP
from twistedcam.servers.http.api.previews import Previews
from twistedcam.servers.http.connection.reply import Reply, json_reply
from twistedcam.servers.http.connection.request import HttpRequest
from twistedcam.servers.http.connection.router import Router
from twistedcam.sources.spec import parse

if TYPE_CHECKING:
    from twistedcam.core.server import Server

PATH = PREFIX + SETUP
#: Characters of a text for a QR code: more make one that a phone cannot read.
MAX_QR = 500


class FirstSetup(Protocol):
    """The choices of the first setup, as ``twistedcam.config.setup`` makes them."""

    async def show(self) -> dict[str, Any]:
        """Return the settings now, and what there is to choose from."""

    def check(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Return error and difference of choices."""

    async def apply(self, wanted: dict[str, Any], version: str) -> dict[str, Any]:
        """Write the choices and apply them."""

    def restart(self) -> None:
        """Start the server again soon."""


class SetupApi:
    """Answers ``/api/v1/setup``. All requests need the right ``admin``."""

    def __init__(
        self,
        server: Server,
        setup: FirstSetup,
        configuration: Configuration,
        search: CameraSearch,
    ) -> None:
        self._server = server
        self._setup = setup
        self._configuration = configuration
        self._previews = Previews(server)
        self._search = search

    def add_routes(self, router: Router) -> None:
        """Add the routes to a router."""
        for method, path, handler in (
            ("GET", "", self._show),
            ("POST", "", self._apply),
            ("POST", "/check", self._check),
            ("POST", "/restart", self._restart),
            ("POST", "/devices", self._devices),
            ("POST", "/previews", self._preview),
            ("GET", "/previews/{id}", self._picture),
            ("DELETE", "/previews/{id}", self._close),
        ):
            router.add(method, PATH + path, guarded(self._server, handler), "admin")

    async def _show(self, request: HttpRequest) -> Reply:
        return json_reply(await self._setup.show())

    def _check(self, request: HttpRequest) -> Reply:
        return json_reply(self._setup.check(read_body(request)))

    async def _apply(self, request: HttpRequest) -> Reply:
        body = read_body(request)
        version = as_text("version", body.pop("version", None))
        await self._previews.close()  # the new cameras need their devices
        return json_reply(await self._setup.apply(body, version))

    def _restart(self, request: HttpRequest) -> Reply:
        self._setup.restart()
        return json_reply({})

    async def _devices(self, request: HttpRequest) -> Reply:
        """Look for cameras as ``/configuration/devices``; with ``camera``, if it has the device."""
        found = await self._search.answer(request)
        own = {
            os.path.realpath(each.source_info.device): name
            for name, each in self._server.cameras.items()
            if each.source_info.device and each.state != "stopped"
        }
        for each in found:
            path = each["source"].removeprefix("webcam:")
            each["camera"] = own.get(os.path.realpath(path))
        return json_reply({"devices": found})

    async def _preview(self, request: HttpRequest) -> Reply:
        """Open a source; answer when it gives pictures, or with the reason why it does not."""
        spec = parse(as_text("source", read_body(request).get("source")))
        self._configuration.check_source(spec)
        return json_reply(await self._previews.open(spec))

    async def _picture(self, request: HttpRequest, id: str) -> Reply:
        frame = await self._previews.picture(id)
        return Reply(frame.jpeg, "image/jpeg")

    async def _close(self, request: HttpRequest, id: str) -> Reply:
        await self._previews.close(id)
        return json_reply({})


def add_qr_code(router: Router, run: Callable[[Callable[[], bytes]], Awaitable[bytes]]) -> None:
    """Add the route that makes QR codes. The text is in the body: it may have a token.

    Arguments:
        run: calls a function that blocks.
    """

    async def answer(request: HttpRequest) -> Reply:
        text = as_text("text", read_body(request).get("text"))
        if not text or len(text) > MAX_QR:
            raise BadArgument(f"text must have 1 to {MAX_QR} characters")
        return Reply(await run(lambda: qr_code(text)), "image/svg+xml")

    router.add("POST", PREFIX + "/qr", answer, "view")


def qr_code(text: str) -> bytes:
    """Return a QR code as SVG, black on white in both colour schemes: scanners need that."""
    import segno

    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", scale=8, border=4, dark="#000", light="#fff", xmldecl=False
    )
    return out.getvalue()
