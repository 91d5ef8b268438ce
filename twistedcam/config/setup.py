"""The first setup in the page: cameras, the folder of recordings, a password, and the network."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from twistedcam.auth import Grant, TokenFile
from twistedcam.auth.users import ROLES, check_password
from twistedcam.config import interfaces
from twistedcam.config.camera_edits import add_camera
from twistedcam.config.editor import ConfigEditor
from twistedcam.config.options import OPTIONS, ServeOptions
from twistedcam.config.page_rules import NO_PASSWORD, tokens_file
from twistedcam.config.places import offered_places
from twistedcam.config.toml_edits import write_value
from twistedcam.errors import BadArgument, Forbidden, NotSupported
from twistedcam.net.addresses import own_address
from twistedcam.net.interfaces import interface_addresses, outside_addresses
from twistedcam.runtime.home import expand_home

InThread = Callable[[Callable[[], Any]], Awaitable[Any]]


class NewCamera(Struct, forbid_unknown_fields=True):
    """A camera that is added: its name, source, and settings of that source."""

    name: str
    source: str
    settings: dict[str, str] = {}


class SetupRequest(Struct, forbid_unknown_fields=True):
    """The choices in the page. None leaves a setting as it is.

    Arguments:
        cameras: the cameras that are added.
        folder: the folder of recordings.
        keep: the size of all recordings together at most, such as ``20GB``; ``off``: no limit.
        keep_days: the days for which a recording is kept; 0: no limit.
        reachable: True to let other machines of the network connect, False to let none.
        user, password: a user with all rights.
    """

    cameras: list[NewCamera] = []
    folder: str | None = None
    keep: str | None = None
    keep_days: float | None = None
    reachable: bool | None = None
    user: str | None = None
    password: str | None = None


class Setup:
    """Shows and changes what the first setup is about, in the configuration file.

    Arguments:
        editor: changes the file.
        in_thread: calls a function that blocks.
        restarter: returns what starts the program again; None if that is not possible.
    """

    def __init__(
        self,
        editor: ConfigEditor,
        in_thread: InThread,
        restarter: Callable[[], Callable[[], None] | None] = lambda: None,
    ) -> None:
        self._editor = editor
        self._in_thread = in_thread
        self._restarter = restarter

    async def show(self) -> dict[str, Any]:
        """Return the settings now, and what there is to choose from.

        ``is_new`` is True while no camera is configured. ``recordings`` has ``folder``, ``keep``
        (bytes or None), ``keep_days`` and ``places``; ``network`` has ``is_reachable``,
        ``has_tokens``, ``ports``, ``fixed`` (the reason why the page cannot switch it, or None) and
        ``addresses`` of the page.
        """
        file = self._editor.show()
        if file["path"] is None:
            return {"is_new": False, "file": file}
        options = self._editor.read()
        places = await self._in_thread(lambda: offered_places(options.recordings))
        return {
            "is_new": options.is_new,
            "file": {key: value for key, value in file.items() if key != "text"},
            "recordings": {
                "folder": str(options.recordings),
                "keep": options.record_settings.keep,
                "keep_days": options.record_settings.keep_days,
                "places": places,
            },
            "network": {
                "is_reachable": interfaces.is_open(options.http),
                "has_tokens": options.tokens is not None,
                "ports": [port for port in map(interfaces.port_of, _endpoints(options)) if port],
                "fixed": self._fixed(options),
                "addresses": page_addresses(options),
            },
        }

    def check(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return ``difference``, ``error`` or None, and options that need a restart.

        Arguments:
            body: the fields of a SetupRequest.

        Raises:
            BadArgument, Forbidden: a choice is not possible.
        """
        text = self._text(_request(body))
        found = self._editor.check(text)
        restart = []
        if found["error"] is None:
            before, after = self._editor.read(), self._editor.read(text)
            restart = ["recordings"] * (before.recordings != after.recordings)
        return {**found, "needs_restart": ", ".join(restart) or None}

    async def apply(self, body: dict[str, Any], version: str) -> dict[str, Any]:
        """Write the choices and apply them. Returns and raises as ``ConfigEditor.change``."""
        wanted = _request(body)
        text = self._text(wanted)
        found = self._editor.check(text)
        if found["error"] is not None:
            raise BadArgument(found["error"])
        if wanted.user is None or wanted.password is None:
            return await self._editor.change(text, version)
        path = tokens_file(self._editor.read())
        assert path is not None
        grant, password = Grant(wanted.user, ROLES["admin"], None), wanted.password
        file = TokenFile(path)
        await self._in_thread(lambda: file.add_user(grant, password))
        try:
            return await self._editor.change(text, version)
        except BaseException:
            await self._in_thread(lambda: file.remove_user(grant.name))
            raise

    def restart(self) -> None:
        """Start the server again soon, after the answer to the request.

        Raises:
            NotSupported: another program runs the server, or the file is not valid now.
        """
        restart = self._restarter()
        if restart is None:
            raise NotSupported("this server cannot restart itself: restart the program it runs in")
        try:
            self._editor.read()
        except BadArgument as error:
            raise NotSupported(f"the server would not start again: {error}") from None
        restart()

    def _text(self, wanted: SetupRequest) -> str:
        """Return the text of the file with the choices.

        Raises:
            BadArgument, Forbidden, NotSupported: a choice is not possible.
        """
        before = self._editor.read()
        text: str = self._editor.show()["text"]
        for each in wanted.cameras:
            text = add_camera(text, each.name, each.source, each.settings)
        if wanted.folder is not None and Path(wanted.folder) != before.recordings:
            text = write_value(text, ("recordings",), _folder(wanted.folder))
        if wanted.keep is not None:
            limit = None if wanted.keep == "off" else wanted.keep
            text = write_value(text, ("recording", "keep"), limit)
        if wanted.keep_days is not None:
            days = wanted.keep_days
            whole = int(days) if days.is_integer() else days
            text = write_value(text, ("recording", "keep_days"), whole or None)
        if wanted.password is not None or wanted.user is not None:
            text = self._with_password(text, before, wanted)
        if wanted.reachable is not None:
            text = self._with_ports(text, wanted.reachable)
        return text

    def _with_password(self, text: str, before: ServeOptions, wanted: SetupRequest) -> str:
        if wanted.user is None or wanted.password is None:
            raise BadArgument("a user needs a name and a password")
        if before.tokens is not None:
            raise BadArgument("this server has tokens already: 'twistedcam user add' adds users")
        check_password(wanted.password)
        path = tokens_file(before)
        assert path is not None
        if path.exists() and wanted.user in TokenFile(path).read_all().users:
            raise BadArgument(f"{path} has a user {wanted.user!r} already: choose another name")
        return write_value(text, ("tokens",), str(path))

    def _with_ports(self, text: str, reachable: bool) -> str:
        options = self._editor.read(text)
        if interfaces.is_open(options.http) == reachable:
            return text
        if reachable and options.tokens is None and not options.insecure:
            raise Forbidden(NO_PASSWORD)
        change = interfaces.opened if reachable else interfaces.closed
        for port in interfaces.PORTS:
            after = [change(each) for each in getattr(options, port)]
            if after == getattr(options, port):
                continue
            is_default = after == OPTIONS[port].default
            text = write_value(text, (port,), None if is_default else _written(after))
        if interfaces.is_open(self._editor.read(text).http) != reachable:
            raise Forbidden(_fixed_text())
        return text

    def _fixed(self, options: ServeOptions) -> str | None:
        """Return the reason why the page cannot switch the ports, or None."""
        before = interfaces.is_open(options.http)
        change = interfaces.closed if before else interfaces.opened
        after = [change(each) for each in options.http]
        if interfaces.is_open(after) == before:
            return "the port of the page has an endpoint that the page cannot change"
        text = write_value(self._editor.show()["text"], ("http",), _written(after))
        return _fixed_text() if self._editor.read(text).http == options.http else None


def _request(body: dict[str, Any]) -> SetupRequest:
    try:
        return msgspec.convert(body, SetupRequest)
    except msgspec.ValidationError as error:
        raise BadArgument(str(error)) from None


def page_addresses(options: ServeOptions) -> list[str]:
    """Return the addresses of the page for other machines, the most likely one first."""
    endpoint = next((each for each in options.http if interfaces.port_of(each)), None)
    if endpoint is None:
        return []
    scheme = "https" if endpoint.startswith("ssl:") else "http"
    return [f"{scheme}://{host}:{interfaces.port_of(endpoint)}/" for host in own_addresses()]


def own_addresses() -> list[str]:
    """Return the addresses of this machine in its networks, that of the default route first."""
    first = own_address()
    found = outside_addresses(interface_addresses())
    outside = [each for each in found if each.ip.version == 4 and not each.ip.is_loopback]
    return [*dict.fromkeys(host for host in (first, *(each.text for each in outside)) if host)]


def _endpoints(options: ServeOptions) -> list[str]:
    return [each for port in interfaces.PORTS for each in getattr(options, port)]


def _written(endpoints: list[str]) -> str | list[str]:
    texts = [interfaces.short(each) for each in endpoints]
    return texts[0] if len(texts) == 1 else texts


def _folder(text: str) -> str:
    path = expand_home(text)
    if not path.is_absolute():
        raise BadArgument(f"{text!r}: write the whole path of the folder, as in /home/…")
    return str(path)


def _fixed_text() -> str:
    return (
        "the port of the page was given on the command line: start the server without --http, or "
        "choose there who can reach it"
    )
