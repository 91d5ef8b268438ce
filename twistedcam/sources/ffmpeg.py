"""Cameras whose stream FFmpeg opens (PyAV): RTSP and others."""

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
from twistedcam.sources.http_video import HttpVideo
from twistedcam.sources.spec import Settings, SourceSpec

#: The most seconds of silence, while a stream is opened and later.
TIMEOUT = 5.0


class _Allowed(NamedTuple):
    """The protocols and formats that FFmpeg may use for a scheme, by its names."""

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


class FfmpegSource(ContainerSource):
    """Decodes a stream as it arrives; passes Motion JPEG on unchanged.

    Arguments:
        url: the address for FFmpeg.
        transport: ``tcp`` or ``udp``, for RTSP.
    """

    def __init__(self, url: str, transport: str = "tcp") -> None:
        super().__init__(url, name_of(url), TIMEOUT)
        self.transport = transport

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> Source:
        """Return the source for ``rtsp://USER:PASSWORD@HOST#transport=udp`` or ``ffmpeg:URL``."""
        transport = settings.choice("transport", ("tcp", "udp"), "tcp")
        if spec.scheme != "ffmpeg":
            spec.require_host()
            return cls(f"{spec.scheme}:{spec.target}", transport)
        if not spec.target:
            raise BadArgument("ffmpeg: needs an address: ffmpeg:rtsp://HOST/path")
        try:
            scheme = urlsplit(spec.target).scheme.lower()
        except ValueError:
            raise BadArgument(
                f"{spec.shown} is not a valid address: write ffmpeg:rtsp://HOST/path"
            ) from None
        if scheme in ("http", "https"):
            SourceSpec(scheme, spec.target.partition(":")[2], {}, spec.target).require_host()
            return HttpVideo.at(spec.target)
        return cls(spec.target, transport)

    def _open_container(self) -> Any:
        options = {"flags": "low_delay"}
        scheme = _scheme_of(self.url)
        if scheme != "file":  # it would drop the first pictures of a file
            options["fflags"] = "nobuffer"
        if scheme in ("rtsp", "rtsps"):
            options["rtsp_transport"] = self.transport
            # FFmpeg binds its UDP ports to all addresses, and no option changes that.
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
    """Return the address of ``udp:`` and ``rtp:`` that FFmpeg must bind; empty for all addresses.

    By itself FFmpeg binds all addresses. Also empty if the address is not one of this machine.
    """
    if _scheme_of(url) not in ("udp", "rtp"):
        return ""
    try:
        parts = urlsplit(url)
        found = socket.getaddrinfo(parts.hostname or "", parts.port, type=socket.SOCK_DGRAM)
        family, _, _, _, to = found[0]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((to[0], 0))  # fails unless it is an address of this machine
            address: str = probe.getsockname()[0]
            return "" if address in ("0.0.0.0", "::") else address
    except (OSError, ValueError):
        return ""


def name_of(url: str) -> str:
    """Return the name of a stream for messages: its host or file, without a password."""
    shown = without_secrets(url)
    try:
        parts = urlsplit(shown)
    except ValueError:
        return "the stream"
    return parts.netloc.rpartition("@")[2] or PurePath(parts.path).name or parts.scheme or shown


def _scheme_of(url: str) -> str:
    scheme, colon, _ = url.partition(":")
    return scheme.lower() if colon and "/" not in scheme and len(scheme) > 1 else "file"
