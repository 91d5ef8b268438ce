"""The address of a broker: ``mqtt://user:password@host:1883/BASE/TOPIC``."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, unquote, urlsplit

from twistedcam.errors import BadArgument
from twistedcam.net.urls import without_secrets

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_TOPIC = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")


@dataclass(frozen=True)
class Broker:
    """A broker, and the topics that the server uses there.

    Arguments:
        base: the prefix of the server's topics.
        discovery: the prefix of Home Assistant's discovery topics.
        every: seconds between two pictures, and between two messages about an unchanged state.
        levels: True to measure the level of all cameras' sound, which has to be decoded for it.
        ca: path of the certificates to trust instead of the system's.
        is_default: True if the address has no path, and the base is the default.
    """

    host: str
    port: int
    is_tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    base: str = "twistedcam"
    discovery: str = "homeassistant"
    every: float = 10.0
    ca: str = ""
    is_default: bool = False
    levels: bool = False

    def of_installation(self, id: str) -> Broker:
        """Add the installation's id to a default base, because hosts may have equal names."""
        return replace(self, base=f"{self.base}-{id}") if self.is_default and id else self

    @property
    def shown(self) -> str:
        """The address without user name and password."""
        return f"mqtt{'s' * self.is_tls}://{self.host}:{self.port}/{self.base}"

    @property
    def node(self) -> str:
        """The base topic as an identifier for Home Assistant."""
        return re.sub(r"[^A-Za-z0-9_-]", "_", self.base)


def parse_broker(text: str, label: str = "--mqtt") -> Broker:
    """Parse a broker's address; without a path, the base is ``twistedcam/HOSTNAME``.

    Raises:
        BadArgument: the address is invalid.
    """
    shown = without_secrets(text)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = urlsplit("")
    if parts.scheme not in _PORTS or not host:
        raise BadArgument(f"{label}: {shown!r} is invalid: use mqtt://HOST or mqtts://USER:PW@HOST")
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", socket.gethostname()) or "server"
    base = parts.path.strip("/") or f"twistedcam/{name}"
    given = dict(parse_qsl(parts.query))
    discovery, ca = given.pop("discovery", "homeassistant"), given.pop("ca", "")
    every, levels = given.pop("every", "10"), given.pop("levels", "0")
    for topic in (base, discovery):
        if not _TOPIC.fullmatch(topic):
            allowed = "letters, digits, '_', '.', '-' and '/'"
            raise BadArgument(f"{label}: {topic!r} is not a topic of {allowed}")
    if given:
        raise BadArgument(
            f"{label}: unknown setting {next(iter(given))!r}: use ca, discovery, every or levels"
        )
    if levels not in ("0", "1"):
        raise BadArgument(f"{label}: levels={levels!r} must be 0 or 1")
    if not re.fullmatch(r"\d{1,5}(\.\d+)?", every) or float(every) < 0.2:
        raise BadArgument(f"{label}: every={every!r} must be a number of seconds, at least 0.2")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Broker(
        host,
        port or _PORTS[parts.scheme],
        parts.scheme == "mqtts",
        user,
        password,
        base,
        discovery,
        float(every),
        ca,
        is_default=not parts.path.strip("/"),
        levels=levels == "1",
    )
