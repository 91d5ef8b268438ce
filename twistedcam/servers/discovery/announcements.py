"""Announcements by DNS-SD (RFC 6763): types, names, ports and properties."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from twistedcam.net.addresses import IPAddress
from twistedcam.net.interfaces import InterfaceAddress, outside_addresses
from twistedcam.util.camera_name import url_safe
from twistedcam.version import __version__

if TYPE_CHECKING:
    from twistedcam.core.server import Server
    from twistedcam.net.listener import Listener

#: Bytes of an instance's name at most: 63 (RFC 6763, 4.1.1), less a number after a name that is
#: taken; and of a property (6.1).
_MAX_NAME, _MAX_PROPERTY = 60, 255
#: The types of each port, without and with TLS.
_TYPES = {
    "http": ("_http._tcp", "_https._tcp"),
    "rtsp": ("_rtsp._tcp", "_rtsps._tcp"),
    "frames": ("_twistedcam._tcp", "_twistedcam._tcp"),
}


@dataclass(frozen=True)
class Announcement:
    """One service of the server.

    Arguments:
        type: such as ``_http._tcp``.
        name: the name that people see, unique for its type.
        port: TCP port.
        addresses: IP addresses at which other machines find it.
        properties: keys and values of the TXT record.
    """

    type: str
    name: str
    port: int
    addresses: tuple[str, ...]
    properties: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.type} {self.name!r} on port {self.port}"


def announcements(
    server: Server,
    listeners: Mapping[str, Iterable[Listener]],
    host: str,
    found: Iterable[InterfaceAddress],
) -> list[Announcement]:
    """Return what to announce of a server: its ports that other machines can reach.

    Names and titles of cameras are announced only if everybody may see them, which is without
    tokens.

    Arguments:
        listeners: the ports by purpose, as of the service.
        host: the name of this machine.
        found: the addresses of this machine.
    """
    is_open = not server.authenticator.is_needed
    made: list[Announcement] = []
    addresses = list(found)

    def add(kind: str, name: str, listener: Listener, **properties: str) -> None:
        bound = listener.bound_to
        assert bound is not None
        taken = {each.name.casefold() for each in made if each.type == kind}
        cut = tuple(
            (key, _cut(text, _MAX_PROPERTY - len(key) - 1)) for key, text in properties.items()
        )
        at = _addresses_of(bound[0], addresses)
        made.append(Announcement(kind, _unique(name, taken), bound[1], at, cut))

    for purpose, types in _TYPES.items():
        kinds = set()
        for listener in listeners.get(purpose, ()):
            kind = types[listener.is_tls]
            if not listener.is_reachable or kind in kinds:
                continue
            kinds.add(kind)  # a second port of the same kind leads to the same server
            if purpose == "http":
                add(kind, f"twistedcam on {host}", listener, path="/")
            elif purpose == "frames":
                add(kind, host, listener, **_server_properties(server, listener, is_open))
            elif not is_open:
                add(kind, f"twistedcam on {host}", listener, path="/")
            else:
                for name, camera in server.cameras.items():
                    shown = f"{camera.title or name} on {host}"
                    add(kind, shown, listener, path=f"/{quote(url_safe(name))}")
    return made


def _server_properties(server: Server, listener: Listener, is_open: bool) -> dict[str, str]:
    properties = {"version": __version__}
    if listener.is_tls:
        properties["tls"] = "1"
    if is_open:
        properties["cameras"] = _whole_words(map(url_safe, server.cameras), _MAX_PROPERTY - 8)
    else:
        properties["token"] = "1"
    return properties


def _addresses_of(own: IPAddress, found: list[InterfaceAddress]) -> tuple[str, ...]:
    """Return the addresses at which a port can be reached: its own, or all of its family."""
    if not own.is_unspecified:
        return (str(own),)
    usable = [each for each in outside_addresses(found) if own.version == 6 or each.ip.version == 4]
    return tuple(dict.fromkeys(each.text for each in usable))


def _unique(name: str, taken: set[str]) -> str:
    """Return a name as one label of DNS, which differs from others in more than upper case."""
    # zeroconf would make two labels of a name with a dot.
    name = _cut(name.replace(".", " "), _MAX_NAME)
    found, number = name, 1
    while found.casefold() in taken:
        number += 1
        end = f" ({number})"
        found = _cut(name, _MAX_NAME - len(end)) + end
    return found


def _whole_words(words: Iterable[str], most: int) -> str:
    """Join the first words by commas, as many as fit."""
    text = ""
    for word in words:
        longer = f"{text},{word}" if text else word
        if len(longer) > most:
            break
        text = longer
    return text


def _cut(text: str, most: int) -> str:
    """Shorten a text to a number of bytes in UTF-8, without half characters."""
    text = unicodedata.normalize("NFC", text)
    return text.encode()[:most].decode(errors="ignore")
