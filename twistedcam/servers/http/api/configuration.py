"""The configuration over HTTP: shown, checked and changed, and new sources tried."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import DeferredLock
from twisted.internet.threads import deferToThread

from twistedcam.camera import Camera
from twistedcam.errors import BadArgument, Forbidden, TooMany
from twistedcam.events import EventBus
from twistedcam.servers.http.api.commands import PREFIX, as_text, read_body
from twistedcam.servers.http.api.found_cameras import CameraSearch
from twistedcam.servers.http.api.openapi import CONFIGURATION
from twistedcam.servers.http.api.previews import described, first_picture
from twistedcam.servers.http.connection.access import is_local
from twistedcam.servers.http.connection.reply import Reply, json_reply
from twistedcam.servers.http.connection.request import HttpRequest, query
from twistedcam.servers.http.connection.router import Handler, Router
from twistedcam.sources.spec import SourceSpec, parse

if TYPE_CHECKING:
    from twistedcam.core.server import Server

PATH = PREFIX + CONFIGURATION
_ACTIONS = ("add", "copy", "rename", "remove", "set")


class Configuration(Protocol):
    """The configuration file, as ``twistedcam.config.editor`` changes it.

    ``form``, ``set_options`` and ``merge`` may be called in a thread.
    """

    def show(self) -> dict[str, Any]:
        """Return path, text and version."""

    def check(self, text: str) -> dict[str, Any]:
        """Return error and difference of a text."""

    def edit(self, text: str, action: str, **values: Any) -> str:
        """Return a text with another list of cameras."""

    def form(self, text: str | None, camera: str | None = None) -> dict[str, Any]:
        """Return the options in a text as fields of a form."""

    def set_options(self, text: str, changes: Any) -> dict[str, Any]:
        """Return a text with other values of options."""

    def merge(self, text: str, version: str) -> dict[str, Any]:
        """Return a text with the changes of two pages."""

    def check_source(self, spec: SourceSpec) -> None:
        """Check that a camera may have a source."""

    async def change(self, text: str, version: str) -> dict[str, Any]:
        """Replace and apply the file."""

    async def undo(self, version: str) -> dict[str, Any]:
        """Take the last change back."""


class ConfigurationApi:
    """Answers ``/api/v1/configuration``. All requests need the right ``admin``."""

    def __init__(self, server: Server, configuration: Configuration, search: CameraSearch) -> None:
        self._server = server
        self._configuration = configuration
        self._search = search
        self._is_probing = False
        #: One text is changed at a time: a long one takes a second.
        self._editing = DeferredLock()

    def add_routes(self, router: Router) -> None:
        """Add the routes to a router."""
        for method, path, handler in (
            ("GET", "", self._show),
            ("PUT", "", self._change),
            ("POST", "/check", self._check),
            ("GET", "/options", self._show_options),
            ("POST", "/options", self._show_options),
            ("POST", "/edit", self._edit),
            ("POST", "/merge", self._merge),
            ("POST", "/undo", self._undo),
            ("POST", "/probe", self._probe),
            ("POST", "/devices", self._devices),
        ):
            router.add(method, PATH + path, guarded(self._server, handler), "admin")

    def _show(self, request: HttpRequest) -> Reply:
        return json_reply(self._configuration.show())

    def _check(self, request: HttpRequest) -> Reply:
        return json_reply(self._configuration.check(_text(read_body(request), "text")))

    async def _change(self, request: HttpRequest) -> Reply:
        body = read_body(request)
        text, version = _text(body, "text"), _text(body, "version")
        return json_reply(await self._configuration.change(text, version))

    async def _undo(self, request: HttpRequest) -> Reply:
        version = _text(read_body(request), "version")
        return json_reply(await self._configuration.undo(version))

    async def _in_thread(self, function: Callable[..., dict[str, Any]], *given: Any) -> Any:
        """Call a function in a thread, after those that were called before."""
        return await self._editing.run(deferToThread, function, *given)

    async def _show_options(self, request: HttpRequest) -> Reply:
        """Return the options of the server or a camera as fields of forms.

        The text of a ``POST`` takes the place of the file's.
        """
        body = read_body(request)
        text = _text(body, "text") if "text" in body else None
        camera = _text(body, "camera") if "camera" in body else query(request, "camera")
        return json_reply(await self._in_thread(self._configuration.form, text, camera or None))

    async def _merge(self, request: HttpRequest) -> Reply:
        body = read_body(request)
        text, version = _text(body, "text"), _text(body, "version")
        self._configuration.show()  # so that the text of the file can be merged again
        return json_reply(await self._in_thread(self._configuration.merge, text, version))

    async def _edit(self, request: HttpRequest) -> Reply:
        body = read_body(request)
        text, action = _text(body, "text"), _text(body, "action")
        if action not in _ACTIONS:
            raise BadArgument(f"action must be one of {', '.join(_ACTIONS)}")
        if action == "set":
            changes = body.get("changes")
            if not isinstance(changes, list):
                raise BadArgument("changes must be a list")
            found = await self._in_thread(self._configuration.set_options, text, changes)
            return json_reply(found)
        values: dict[str, Any] = {"name": as_text("name", body.get("name"))}
        if action == "add":
            values["source"] = as_text("source", body.get("source"))
            settings = body.get("settings", {})
            if not isinstance(settings, dict):
                raise BadArgument("settings must be an object")
            values["settings"] = {key: as_text(key, each) for key, each in settings.items()}
        elif action != "remove":
            values["new"] = as_text("new", body.get("new"))
        changed = self._configuration.edit(text, action, **values)
        return json_reply({"text": changed, **self._configuration.check(changed)})

    async def _probe(self, request: HttpRequest) -> Reply:
        """Open a source that is no camera yet, and return its format and a picture.

        Raises:
            BadArgument, Forbidden: a camera cannot have this source.
            CameraFailed: it gives no picture; the message has the reason.
            TooMany: another one is being tried.
        """
        spec = parse(as_text("source", read_body(request).get("source")))
        self._configuration.check_source(spec)
        if self._is_probing:
            raise TooMany("another source is being tried: wait until that has ended")
        self._is_probing = True
        try:
            return json_reply(await self._open(spec))
        finally:
            self._is_probing = False

    async def _devices(self, request: HttpRequest) -> Reply:
        """Look for cameras, of this machine or with ``{"network": true}`` in the network."""
        return json_reply({"devices": await self._search.answer(request)})

    async def _open(self, spec: SourceSpec) -> dict[str, Any]:
        server = self._server
        camera = Camera("new", spec, EventBus(), server.clock, server.make_thread)
        try:
            picture = await first_picture(camera, server)
        finally:
            await camera.stop()
        return {
            **described(camera, picture),
            "picture": base64.b64encode(picture.jpeg).decode(),
        }


def guarded(server: Server, handler: Handler) -> Handler:
    """Wrap a handler: without tokens, only this machine may change the configuration."""

    def answer(request: HttpRequest, **parts: str) -> Any:
        if not server.authenticator.is_needed and not is_local(request):
            raise Forbidden(
                "without tokens, only this machine may see and change the configuration"
            )
        return handler(request, **parts)

    return answer


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise BadArgument(f"{name} must be a text")
    return value
