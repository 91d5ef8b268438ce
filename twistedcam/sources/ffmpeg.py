"""Cameras that FFmpeg can open: RTSP above all, and any other stream (PyAV)."""

from __future__ import annotations

import socket
from pathlib import PurePath
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from twistedcam.errors import BadArgument
from twistedcam.net.urls import without_secrets
from twistedcam.sources.base import Source
from twistedcam.sources.container import (
    FILE_FORMATS,
    STREAM_FORMATS,
    ContainerSource,
    open_container,
)
from twistedcam.sources.http_film import HttpFilm
from twistedcam.sources.spec import Settings, SourceSpec

#: Seconds that a peer may be silent, when it is opened and later.
TIMEOUT = 5.0


class _Allowed(NamedTuple):
    """FFmpeg's names of what it may use for a scheme."""

    protocols: str
    formats: str


_RTSP = _Allowed("rtsp,rtp,udp,tcp,tls", "rtsp,mpegts")
_RTMP = _Allowed("rtmp,rtmps,tcp,tls", "flv,live_flv")
_ALLOWED = {
    "rtsp": _RTSP,
    "rtsps": _RTSP,
    "rtmp": _RTMP,
    "rtmps": _RTMP,
    "srt": _Allowed("srt", STREAM_FORMATS),
    "udp": _Allowed("udp", STREAM_FORMATS),
    "rtp": _Allowed("rtp,udp", "rtp,mpegts"),
    "file": _Allowed("file", FILE_FORMATS),
}


class StreamSource(ContainerSource):
    """Decodes a stream as it comes; Motion-JPEG goes through as it is.

    Arguments:
        url: what FFmpeg opens.
        transport: ``tcp`` or ``udp``, for RTSP.
    """

    def __init__(self, url: str, transport: str = "tcp") -> None:
        super().__init__(url, name_of(url), TIMEOUT)
        self.transport = transport

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> Source:
        """``rtsp://USER:PASSWORD@HOST/path#transport=udp``, ``ffmpeg:URL``."""
        transport = settings.choice("transport", ("tcp", "udp"), "tcp")
        if spec.scheme != "ffmpeg":
            spec.require_host()
            return cls(f"{spec.scheme}:{spec.target}", transport)
        if not spec.target:
            raise BadArgument("ffmpeg: needs what FFmpeg shall open: ffmpeg:rtsp://HOST/path")
        try:
            scheme = urlsplit(spec.target).scheme.lower()
        except ValueError:
            raise BadArgument(
                f"{spec.shown} is no address: write ffmpeg:rtsp://HOST/path"
            ) from None
        if scheme in ("http", "https"):
            SourceSpec(scheme, spec.target.partition(":")[2], {}, spec.target).require_host()
            return HttpFilm.at(spec.target)
        return cls(spec.target, transport)

    def _open_container(self) -> Any:
        options = {"flags": "low_delay"}
        scheme = _scheme_of(self.url)
        if scheme != "file":  # of a film it would leave out the first pictures
            options["fflags"] = "nobuffer"
        if scheme in ("rtsp", "rtsps"):
            options["rtsp_transport"] = self.transport
            # Its UDP ports are bound to all addresses, which no option of it can change.
            options["rtsp_flags"] = "filter_src"
        address = local_address(self.url)
        if address:
            options["localaddr"] = address
        other = _Allowed(f"{scheme},file,tcp,tls,udp", FILE_FORMATS)
        allowed = _ALLOWED.get(scheme, other)
        return open_container(
            self.url,
            formats=allowed.formats,
            protocols=allowed.protocols,
            options=options,
            timeout=self.timeout,
        )


def local_address(url: str) -> str:
    """The address that FFmpeg has to bind for ``udp:`` and ``rtp:``: the one that is written.

    By itself it binds all addresses. Nothing if those are meant, or it is not this machine's.
    """
    if _scheme_of(url) not in ("udp", "rtp"):
        return ""
    try:
        parts = urlsplit(url)
        found = socket.getaddrinfo(parts.hostname or "", parts.port, type=socket.SOCK_DGRAM)
        family, _, _, _, to = found[0]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((to[0], 0))  # it fails unless this is an address of this machine
            address: str = probe.getsockname()[0]
            return "" if address in ("0.0.0.0", "::") else address
    except (OSError, ValueError):
        return ""


def name_of(url: str) -> str:
    """What to call a stream in messages: its host, or its file, without any password."""
    shown = without_secrets(url)
    try:
        parts = urlsplit(shown)
    except ValueError:
        return "the stream"
    return parts.netloc.rpartition("@")[2] or PurePath(parts.path).name or parts.scheme or shown


def _scheme_of(url: str) -> str:
    scheme, colon, _ = url.partition(":")
    return scheme.lower() if colon and "/" not in scheme and len(scheme) > 1 else "file"
