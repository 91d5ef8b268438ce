"""The description of a stream, which answers DESCRIBE."""

from __future__ import annotations

from collections.abc import Iterable

from twistedcam.media.track import Track
from twistedcam.rtsp.sdp import MediaDescription, SessionDescription
from twistedcam.servers.rtsp.address import StreamAddress
from twistedcam.servers.rtsp.rtp_stream import payload_format


def describe(
    title: str,
    tracks: Iterable[Track],
    address: StreamAddress,
    session: int,
    host: str,
    rate: float | None = None,
) -> bytes:
    """Return the description of a stream in SDP.

    Arguments:
        title: the name that people see.
        tracks: its tracks.
        address: the address that the client has used.
        session: a number that changes with the tracks.
        host: the server's address on the client's connection; empty if it has none.
        rate: the camera's pictures a second, for video that does not have its rate.

    Raises:
        NotSupported: RTSP cannot send a track.
    """
    host = host.partition("%")[0]
    kind = "IP6" if ":" in host else "IP4"
    media = tuple(_describe(track, address.track_url(track.id), rate) for track in tracks)
    return SessionDescription(
        media,
        " ".join(title.split()),
        (("tool", "twistedcam"), ("type", "broadcast"), ("control", "*"), ("range", "npt=now-")),
        "::" if kind == "IP6" else "0.0.0.0",
        f"- {session} 1 IN {kind} {host or '127.0.0.1'}",
    ).encode()


def _describe(track: Track, control: str, rate: float | None) -> MediaDescription:
    attributes = [("control", control)]
    if track.kind == "video" and (track.rate or rate):
        attributes.append(("framerate", f"{float(track.rate or rate or 0):.6g}"))
    if track.width and track.height:
        attributes.append(("x-dimensions", f"{track.width},{track.height}"))
    form = payload_format(track).media
    return MediaDescription(track.kind, (form,), 0, "RTP/AVP", tuple(attributes))
