"""The header Transport: the ways in which a client takes a track (RFC 2326, section 12.39)."""

from __future__ import annotations

from dataclasses import dataclass

from twistedcam.rtsp.messages import BadRtsp

#: The lowest port that packets are sent to: lower ones belong to services of the system.
MIN_PORT = 1024
_TCP = ("RTP/AVP/TCP",)
_UDP = ("RTP/AVP", "RTP/AVP/UDP")


class UnsupportedTransport(Exception):
    """None of a client's transports is possible. The message says why."""


@dataclass(frozen=True)
class InterleavedChannels:
    """Packets on the connection of the session.

    Arguments:
        channel: of RTP, 0 to 254, with RTCP on the next one; None if the server may choose.
    """

    channel: int | None


@dataclass(frozen=True)
class ClientPorts:
    """Packets to ports of the client.

    Arguments:
        rtp, rtcp: the ports.
    """

    rtp: int
    rtcp: int


def choose_transport(header: str, *, has_udp: bool) -> InterleavedChannels | ClientPorts:
    """Return the first transport of a header that this server has.

    Arguments:
        header: the alternatives of the client, in its order.
        has_udp: False if packets cannot leave the connection.

    Raises:
        BadRtsp: the header is missing or not valid.
        UnsupportedTransport: none of them is possible; the message says why.
    """
    reason = "this server sends RTP/AVP/TCP and RTP/AVP, unicast"
    alternatives = [each.strip() for each in header.split(",") if each.strip()]
    if not alternatives:
        raise BadRtsp("SETUP needs the header Transport")
    for each in alternatives[:16]:
        profile, *words = (word.strip() for word in each.split(";"))
        values = dict(_pair(word) for word in words)
        if "multicast" in values:
            reason = "this server sends unicast only"
        elif values.get("mode", "play").strip('"').lower() not in ("play", ""):
            reason = "this server sends, and does not record: mode=PLAY"
        elif profile.upper() in _TCP:
            return InterleavedChannels(_channel(values.get("interleaved")))
        elif profile.upper() in _UDP and "interleaved" in values:
            return InterleavedChannels(_channel(values["interleaved"]))
        elif profile.upper() in _UDP and not has_udp:
            reason = "this connection carries packets itself only: RTP/AVP/TCP"
        elif profile.upper() in _UDP:
            rtp, rtcp = _ports(values.get("client_port", ""))
            if min(rtp, rtcp) >= MIN_PORT:
                return ClientPorts(rtp, rtcp)
            reason = f"client_port has to be {MIN_PORT} or higher"
    raise UnsupportedTransport(reason)


def _pair(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    return name.strip().lower(), value.strip()


def _channel(text: str | None) -> int | None:
    if text is None:
        return None
    first, _ = _range(text, "interleaved", 255)
    if first > 254:
        raise BadRtsp("interleaved is a channel from 0 to 254 and the next one")
    return first


def _ports(text: str) -> tuple[int, int]:
    return _range(text, "client_port", 65535)


def _range(text: str, name: str, most: int) -> tuple[int, int]:
    first, dash, second = text.partition("-")
    numbers = [first, second] if dash else [first]
    if not all(each.isascii() and each.isdigit() and len(each) <= 5 for each in numbers):
        raise BadRtsp(f"{name} is one number, or two with '-'")
    low = int(first)
    high = int(second) if dash else low + 1
    if max(low, high) > most + (name == "interleaved" and not dash):
        raise BadRtsp(f"{name} has numbers up to {most}")
    return low, high
