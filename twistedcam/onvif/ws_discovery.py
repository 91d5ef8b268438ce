"""Messages of WS-Discovery (April 2005), as ONVIF uses them (ONVIF Core, 7)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from twistedcam.onvif.soap import NAMESPACES, SoapMessage, envelope, parse_message
from twistedcam.onvif.xml import Xml, child, element, local, text

GROUP, PORT = "239.255.255.250", 3702
#: The largest message that is read.
MAX_MESSAGE = 16 * 1024
#: The types of a camera.
TYPES = ("dn:NetworkVideoTransmitter", "tds:Device")
_TO = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
_ANONYMOUS = f"{NAMESPACES['wsa']}/role/anonymous"
#: The ways to compare scopes: by segments of a path, and as text.
_BY_SEGMENT = ("", f"{NAMESPACES['wsd']}/rfc3986", f"{NAMESPACES['wsd']}/rfc2396")
_AS_TEXT = (f"{NAMESPACES['wsd']}/strcmp0",)
_SCOPE = "onvif://www.onvif.org/"


@dataclass(frozen=True)
class FoundDevice:
    """A device, as it says of itself.

    Arguments:
        id: its address that stays, such as ``urn:uuid:…``.
        types: names of its types, without prefixes.
        scopes: such as ``onvif://www.onvif.org/name/door``.
        addresses: URLs of its device service.
    """

    id: str
    types: tuple[str, ...]
    scopes: tuple[str, ...]
    addresses: tuple[str, ...]

    def scope(self, kind: str) -> str:
        """Return what a scope says, such as ``name``; empty if there is none."""
        start = f"{_SCOPE}{kind}/"
        found = next((each for each in self.scopes if each.lower().startswith(start)), "")
        return unquote(found[len(start) :])


@dataclass(frozen=True)
class DeviceDescription:
    """A device that is announced.

    Arguments:
        id: its UUID.
        scopes: its scopes.
    """

    id: str
    scopes: tuple[str, ...]

    @property
    def endpoint(self) -> str:
        """Its address that stays."""
        return f"urn:uuid:{self.id}"


def scope(kind: str, value: str) -> str:
    """Return a scope of ONVIF."""
    return f"{_SCOPE}{kind}/{quote(value, safe='')}"


def probe(message_id: str, types: Iterable[str] = TYPES[:1]) -> bytes:
    """Return the message that asks all devices of these types to answer.

    Arguments:
        message_id: a URN that the answers repeat.
    """
    return _message(
        "Probe", message_id, element("wsd:Probe", element("wsd:Types", " ".join(types)))
    )


def hello(device: DeviceDescription, addresses: Iterable[str], sequence: tuple[int, int]) -> bytes:
    """Return the message of a device that is there now.

    Arguments:
        sequence: a number that grows at each start, and one that grows with each message.
    """
    return _message("Hello", new_id(), _description("wsd:Hello", device, addresses), sequence)


def bye(device: DeviceDescription, sequence: tuple[int, int]) -> bytes:
    """Return the message of a device that goes."""
    body = element("wsd:Bye", _reference(device))
    return _message("Bye", new_id(), body, sequence)


def matches(
    device: DeviceDescription,
    addresses: Iterable[str],
    request: SoapMessage,
    sequence: tuple[int, int],
) -> bytes:
    """Return the answer to a probe, or to the question for the addresses of this device."""
    kind = local(request.body)
    match = _description(f"wsd:{kind}Match", device, addresses)
    body = element(f"wsd:{kind}Matches", match)
    return _message(f"{kind}Matches", new_id(), body, sequence, text(request.header, "MessageID"))


def is_wanted(request: SoapMessage, device: DeviceDescription) -> bool:
    """True if a message asks for this device: a Probe or a Resolve that matches."""
    prefix, name = request.action
    if prefix != "wsd":
        return False
    if name == "Resolve":
        return text(request.body, "EndpointReference", "Address") == device.endpoint
    if name != "Probe":
        return False
    own = {each.partition(":")[2] for each in TYPES}
    wanted = {each.rpartition(":")[2] for each in text(request.body, "Types").split()}
    if not wanted <= own:
        return False
    scopes = child(request.body, "Scopes")
    if scopes is None or not (scopes.text or "").split():
        return True
    rule = scopes.get("MatchBy", "")
    return all(
        any(_scope_matches(each, scope, rule) for scope in device.scopes)
        for each in (scopes.text or "").split()
    )


def parse_devices(data: bytes, message_id: str | None = None) -> list[FoundDevice]:
    """Return the devices in a message: the answer to a probe, or a Hello.

    Arguments:
        message_id: that of the probe; answers to others are left out. None: take all.

    Raises:
        XmlError: it is no SOAP message.
    """
    message = parse_message(data)
    name = local(message.body)
    if name == "Hello":
        found = [message.body]
    elif name in ("ProbeMatches", "ResolveMatches"):
        if message_id is not None and text(message.header, "RelatesTo") != message_id:
            return []
        found = list(message.body)
    else:
        return []
    return [
        FoundDevice(
            text(each, "EndpointReference", "Address"),
            tuple(word.rpartition(":")[2] for word in text(each, "Types").split()),
            tuple(text(each, "Scopes").split()),
            tuple(text(each, "XAddrs").split()),
        )
        for each in found
    ]


def new_id() -> str:
    """Return a new id of a message."""
    return f"urn:uuid:{uuid.uuid4()}"


def _message(
    kind: str,
    message_id: str,
    body: Xml,
    sequence: tuple[int, int] | None = None,
    relates_to: str = "",
) -> bytes:
    header = [
        element("wsa:Action", f"{NAMESPACES['wsd']}/{kind}"),
        element("wsa:MessageID", message_id),
    ]
    if relates_to:
        header.append(element("wsa:RelatesTo", relates_to[:200]))
    header.append(element("wsa:To", _ANONYMOUS if relates_to else _TO))
    if kind == "Probe":
        header.append(element("wsa:ReplyTo", element("wsa:Address", _ANONYMOUS)))
    if sequence is not None:
        instance, number = sequence
        header.append(element("wsd:AppSequence", InstanceId=instance, MessageNumber=number))
    return envelope(body, Xml("".join(header)))


def _description(name: str, device: DeviceDescription, addresses: Iterable[str]) -> Xml:
    return element(
        name,
        _reference(device),
        element("wsd:Types", " ".join(TYPES)),
        element("wsd:Scopes", " ".join(device.scopes)),
        element("wsd:XAddrs", " ".join(addresses)),
        element("wsd:MetadataVersion", 1),
    )


def _reference(device: DeviceDescription) -> Xml:
    return element("wsa:EndpointReference", element("wsa:Address", device.endpoint))


def _scope_matches(wanted: str, own: str, rule: str) -> bool:
    """Compare scopes by a rule of WS-Discovery (5.1)."""
    if rule in _AS_TEXT:
        return wanted == own
    if rule not in _BY_SEGMENT:
        return False
    try:
        one, two = urlsplit(wanted), urlsplit(own)
    except ValueError:
        return False
    if (one.scheme.lower(), one.netloc.lower()) != (two.scheme.lower(), two.netloc.lower()):
        return False
    segments = [
        re.split("/+", each.path.strip("/")) if each.path.strip("/") else [] for each in (one, two)
    ]
    return segments[0] == segments[1][: len(segments[0])]
