"""Where the broker is: ``mqtt://user:password@host:1883/BASE/TOPIC``."""

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
    """A broker, and what this server is called there.

    Arguments:
        base: what all of its topics begin with.
        discovery: what Home Assistant's discovery topics begin with.
        every: seconds between two pictures and between two states that are the same.
        is_default: whether the base is the default one, for want of a path.
        ca: file of certificates that the broker's is checked by; the system's if empty.
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

    def of_installation(self, id: str) -> Broker:
        """The same with the installation's id in the default base; hosts can have equal names."""
        return replace(self, base=f"{self.base}-{id}") if self.is_default and id else self

    @property
    def shown(self) -> str:
        """The address without its secrets."""
        return f"mqtt{'s' * self.is_tls}://{self.host}:{self.port}/{self.base}"

    @property
    def node(self) -> str:
        """The base topic as a word that Home Assistant takes as an identifier."""
        return re.sub(r"[^A-Za-z0-9_-]", "_", self.base)


def parse_broker(text: str, label: str = "--mqtt") -> Broker:
    """A broker's address; without a path the base is ``twistedcam/HOSTNAME``.

    Raises:
        BadArgument: it is none.
    """
    shown = without_secrets(text)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = urlsplit("")
    if parts.scheme not in _PORTS or not host:
        raise BadArgument(
            f"{label} {shown!r} will not do: write mqtt://HOST or mqtts://USER:PW@HOST"
        )
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", socket.gethostname()) or "server"
    base = parts.path.strip("/") or f"twistedcam/{name}"
    given = dict(parse_qsl(parts.query))
    discovery, ca = given.pop("discovery", "homeassistant"), given.pop("ca", "")
    every = given.pop("every", "10")
    for topic in (base, discovery):
        if not _TOPIC.fullmatch(topic):
            has = "letters, digits, '_', '.', '-', '/'"
            raise BadArgument(f"{label}: {topic!r} is no topic: {has}")
    if given:
        raise BadArgument(
            f"{label} has no setting {next(iter(given))!r}: it has ca, discovery, every"
        )
    if not re.fullmatch(r"\d{1,5}(\.\d+)?", every) or float(every) < 0.2:
        raise BadArgument(f"{label}: every={every!r} will not do: seconds, 0.2 at least")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    number = port or _PORTS[parts.scheme]
    is_tls = parts.scheme == "mqtts"
    return Broker(
        host,
        number,
        is_tls,
        user,
        password,
        base,
        discovery,
        float(every),
        ca,
        not parts.path.strip("/"),
    )
