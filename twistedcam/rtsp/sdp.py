"""Session descriptions (SDP, RFC 8866), and what RTSP adds to them (RFC 2326, appendix C)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

#: The longest description, in bytes, and the most lines and tracks of one.
MAX_SDP = 256 * 1024
MAX_LINES = 2000
MAX_MEDIA = 32

#: Formats whose payload type says all (RFC 3551, section 6): encoding, clock rate, channels.
_STATIC = {
    0: ("PCMU", 8000, 1),
    3: ("GSM", 8000, 1),
    4: ("G723", 8000, 1),
    8: ("PCMA", 8000, 1),
    9: ("G722", 8000, 1),
    10: ("L16", 44100, 2),
    11: ("L16", 44100, 1),
    14: ("MPA", 90000, 1),
    18: ("G729", 8000, 1),
    26: ("JPEG", 90000, 1),
    31: ("H261", 90000, 1),
    32: ("MPV", 90000, 1),
    33: ("MP2T", 90000, 1),
    34: ("H263", 90000, 1),
}
_RTPMAP = re.compile(r"(\d{1,3})\s+([^/\s]+)\s*/\s*(\d{1,9})(?:\s*/\s*(\d{1,3}))?")
_FMTP = re.compile(r"(\d{1,3})\s+(.*)", re.DOTALL)


class BadSdp(ValueError):
    """A session description that cannot be read."""


@dataclass(frozen=True)
class MediaFormat:
    """The format of a track's packets.

    Arguments:
        payload_type: 0 to 127.
        encoding: the name in ``rtpmap``, in upper case, such as ``H264``.
        clock_rate: units of the RTP timestamp in a second.
        channels: of sound; 1 for video.
        parameters: the ``fmtp`` line; names in lower case.
    """

    payload_type: int
    encoding: str
    clock_rate: int
    channels: int = 1
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MediaDescription:
    """One ``m=`` section: a track.

    Arguments:
        kind: ``video``, ``audio``, ``application`` …
        formats: those with a known encoding, the preferred one first.
        port: 0 if the receiver chooses, as in RTSP.
        protocol: such as ``RTP/AVP``.
        attributes: pairs of name and value, in their order, without rtpmap and fmtp.
    """

    kind: str
    formats: tuple[MediaFormat, ...]
    port: int = 0
    protocol: str = "RTP/AVP"
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def control(self) -> str:
        """The address of the track, perhaps relative; empty if there is none."""
        return _attribute(self.attributes, "control")

    @property
    def frame_rate(self) -> float:
        """The pictures per second that the sender promises, 0 if it promises none."""
        value = _attribute(self.attributes, "framerate")
        return float(value) if re.fullmatch(r"\d{1,4}(\.\d{1,9})?", value) else 0.0

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels, if an attribute says them; RFC 2435 needs it over 2040."""
        value = _attribute(self.attributes, "x-dimensions").replace(",", "x")
        framesize = _attribute(self.attributes, "framesize").partition(" ")[2]
        value = value or framesize.replace("-", "x")
        match = re.fullmatch(r"(\d{1,5})\s*x\s*(\d{1,5})", value.strip())
        return (int(match[1]), int(match[2])) if match else None

    @property
    def is_offered(self) -> bool:
        """False for a track that the sender only receives, as for two-way sound."""
        return not any(name in ("recvonly", "inactive") for name, _ in self.attributes)


@dataclass(frozen=True)
class SessionDescription:
    """A session description.

    Arguments:
        media: its tracks.
        name: the title, of one line.
        attributes: pairs of name and value that hold for all tracks.
        address: the connection address, such as a multicast group.
        origin: the ``o=`` line.
    """

    media: tuple[MediaDescription, ...]
    name: str = "-"
    attributes: tuple[tuple[str, str], ...] = ()
    address: str = "0.0.0.0"
    origin: str = "- 0 0 IN IP4 127.0.0.1"

    @property
    def control(self) -> str:
        """The address of the whole session, perhaps relative; empty if there is none."""
        return _attribute(self.attributes, "control")

    def encode(self) -> bytes:
        """Return the bytes of the description."""
        return "".join(f"{line}\r\n" for line in self._lines()).encode()

    def _lines(self) -> Iterator[str]:
        kind = "IP6" if ":" in self.address else "IP4"
        yield from ("v=0", f"o={self.origin}", f"s={self.name or '-'}")
        yield from (f"c=IN {kind} {self.address}", "t=0 0")
        yield from map(_attribute_line, self.attributes)
        for media in self.media:
            types = " ".join(str(each.payload_type) for each in media.formats)
            yield f"m={media.kind} {media.port} {media.protocol} {types}"
            for each in media.formats:
                many = f"/{each.channels}" if each.channels != 1 else ""
                yield f"a=rtpmap:{each.payload_type} {each.encoding}/{each.clock_rate}{many}"
                if each.parameters:
                    pairs = (f"{name}={value}" for name, value in each.parameters.items())
                    yield f"a=fmtp:{each.payload_type} {'; '.join(pairs)}"
            yield from map(_attribute_line, media.attributes)


def parse_sdp(data: bytes) -> SessionDescription:
    """Parse a session description; what is not known or wrong in it is left out.

    Raises:
        BadSdp: it is too long, or has no ``m=`` line though it is not empty.
    """
    if len(data) > MAX_SDP:
        raise BadSdp(f"the session description has more than {MAX_SDP} bytes")
    lines = data.decode(errors="replace").replace("\r", "\n").split("\n")
    if len(lines) > MAX_LINES * 2:
        raise BadSdp(f"the session description has more than {MAX_LINES} lines")
    head: list[tuple[str, str]] = []
    sections: list[list[tuple[str, str]]] = []
    for line in lines:
        kind, equals, value = line.strip().partition("=")
        if not equals or len(kind) != 1:
            continue
        if kind == "m":
            sections.append([])
        (sections[-1] if sections else head).append((kind, value.strip()))
    if len(sections) > MAX_MEDIA:
        raise BadSdp(f"the session description has more than {MAX_MEDIA} tracks")
    media = [found for section in sections if (found := _media(section)) is not None]
    if not media and not any(kind == "v" for kind, _ in head):
        raise BadSdp("it is not a session description")
    values = dict(reversed(head))
    return SessionDescription(
        tuple(media),
        values.get("s", "-") or "-",
        _attributes(head),
        _address(values.get("c", "")) or "0.0.0.0",
        values.get("o", "- 0 0 IN IP4 127.0.0.1"),
    )


def control_url(base: str, control: str) -> str:
    """Return the absolute address of a track or session.

    Arguments:
        base: Content-Base, Content-Location or the address of the request.
        control: the attribute; ``*`` and nothing stand for the base itself.
    """
    if control in ("", "*"):
        return base
    if re.match(r"rtsps?://", control, re.IGNORECASE):
        return control
    # Cameras mean "base/track", also where the base has no slash at its end, or has a query
    # (RFC 2326, C.1.1 says to resolve it as in HTML, which would replace the last word).
    if control.startswith("/"):
        return _joined(base, control)
    return f"{base}{'' if base.endswith('/') else '/'}{control}"


def _joined(base: str, path: str) -> str:
    parts = urlsplit(base)
    # urljoin knows no relative addresses of rtsp before Python 3.13.
    return urljoin(f"http://{parts.netloc}/", path).replace("http", parts.scheme, 1)


def parse_parameters(text: str) -> dict[str, str]:
    """Parse ``name=value; name=value``; names are in lower case, a name alone has no value."""
    found: dict[str, str] = {}
    for piece in text.split(";"):
        name, _, value = piece.strip().partition("=")
        if name:
            found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found


def _media(section: list[tuple[str, str]]) -> MediaDescription | None:
    words = section[0][1].split()
    if len(words) < 4:
        return None
    kind, port, protocol, *types = words
    maps, parameters = {}, {}
    for letter, value in section[1:]:
        name, _, rest = value.partition(":")
        if letter != "a":
            continue
        if name == "rtpmap" and (match := _RTPMAP.match(rest.strip())):
            maps[int(match[1])] = (match[2].upper(), int(match[3]), int(match[4] or 1))
        elif name == "fmtp" and (match := _FMTP.match(rest.strip())):
            parameters[int(match[1])] = parse_parameters(match[2])
    formats = []
    for word in types[:MAX_MEDIA]:
        number = int(word) if re.fullmatch(r"\d{1,3}", word) else -1
        known = maps.get(number) or _STATIC.get(number)
        if known is not None and 0 <= number < 128 and known[1] > 0 and known[2] > 0:
            formats.append(MediaFormat(number, *known, parameters.get(number, {})))
    return MediaDescription(
        kind.lower(),
        tuple(formats),
        _port(port),
        protocol,
        tuple(each for each in _attributes(section) if each[0] not in ("rtpmap", "fmtp")),
    )


def _port(word: str) -> int:
    match = re.match(r"\d{1,5}", word)
    return int(match[0]) if match else 0


def _attributes(section: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    found = []
    for kind, value in section:
        if kind == "a":
            name, _, rest = value.partition(":")
            found.append((name.strip().lower(), rest.strip()))
    return tuple(found)


def _attribute(attributes: tuple[tuple[str, str], ...], name: str) -> str:
    return next((value for key, value in attributes if key == name), "")


def _attribute_line(attribute: tuple[str, str]) -> str:
    name, value = attribute
    return f"a={name}:{value}" if value else f"a={name}"


def _address(connection: str) -> str:
    words = connection.split()
    return words[2].partition("/")[0] if len(words) >= 3 else ""
