"""Addresses of streams and tracks: ``rtsp://HOST:8554/CAMERA/trackID=0?codec=mjpeg``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, unquote, urlsplit

from twistedcam.errors import BadArgument
from twistedcam.util.quantities import picture_size

#: The video codecs that can be asked for, by their names in addresses.
CODECS = {
    "h264": ("h264",),
    "h265": ("hevc",),
    "hevc": ("hevc",),
    "mjpeg": ("mjpeg",),
    "jpeg": ("mjpeg",),
}
#: The video codecs of an address that names none, in order of preference.
USUAL = ("h264", "hevc")
#: The name of a track: after the path, or, as some clients append it, after the query.
_TRACK = re.compile(r"/trackID=([0-9]{1,3})/?$")


@dataclass(frozen=True)
class StreamAddress:
    """The parts of an address.

    Arguments:
        base: the address of the stream, without a track and without a password.
        camera: the camera's name, or its URL-safe form; None: the first camera.
        codecs: the video codecs that the client takes, in order of preference.
        track: the id of a track, which the camera may not have, or None for the whole stream.
        size: width and height into which larger pictures are scaled, or None.
    """

    base: str
    camera: str | None
    codecs: tuple[str, ...] = USUAL
    track: int | None = None
    size: tuple[int, int] | None = None

    def track_url(self, track: int) -> str:
        """Return the address of a track."""
        path, question, query = self.base.partition("?")
        return f"{path.rstrip('/')}/trackID={track}{question}{query}"


def parse_address(uri: str) -> StreamAddress:
    """Parse the address of a request.

    Raises:
        BadArgument: it is no address of a stream, or its ``codec`` or ``size`` is not
            valid.
    """
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise BadArgument("the address of the request is not valid") from None
    if parts.scheme.lower() not in ("rtsp", "rtspu", "rtsps", ""):
        raise BadArgument("an address here begins with rtsp:// or rtsps://")
    path, query = parts.path, parts.query
    found = _TRACK.search(query) or _TRACK.search(path)
    if found is not None:
        path, query = _TRACK.sub("", path), _TRACK.sub("", query)
    path = path.rstrip("/")
    query = query.rstrip("/")  # clients append it to an address with a query
    host = parts.netloc.rpartition("@")[2]
    base = f"{parts.scheme}://{host}{quote(path, safe='/%')}" + (f"?{query}" if query else "")
    return StreamAddress(
        base,
        unquote(path.strip("/")) or None,
        _codecs(query),
        None if found is None else int(found[1]),
        _size(query),
    )


def _codecs(query: str) -> tuple[str, ...]:
    asked = parse_qs(query, max_num_fields=100).get("codec", [])
    if not asked:
        return USUAL
    codecs = CODECS.get(asked[-1].lower())
    if codecs is None:
        raise BadArgument(f"the codec is one of h264, h265 and mjpeg, not {asked[-1]!r}")
    return codecs


def _size(query: str) -> tuple[int, int] | None:
    asked = parse_qs(query, max_num_fields=100).get("size", [])
    return picture_size(asked[-1], "size") if asked else None
