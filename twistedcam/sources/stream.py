"""Cameras that FFmpeg can open: RTSP above all, and any other stream (PyAV)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import av.error

from twistedcam.errors import BadArgument, CameraFailed, LoginRefused
from twistedcam.sources.base import LOGIN_REFUSED, LOGIN_WANTED, Grab, Source, SourceInfo
from twistedcam.sources.container import (
    FILE_FORMATS,
    STREAM_FORMATS,
    decoded,
    open_container,
    passed,
    reason_of,
)
from twistedcam.sources.spec import Settings, SourceSpec
from twistedcam.sources.url import without_secrets

#: Seconds that a peer may be silent, when it is opened and later.
TIMEOUT = 5.0
_RATE_MOST = 1000.0


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


class StreamSource:
    """Decodes a stream as it comes; Motion-JPEG goes through as it is.

    Arguments:
        url: what FFmpeg opens.
        transport: ``tcp`` or ``udp``, for RTSP.
    """

    def __init__(self, url: str, transport: str = "tcp") -> None:
        self.url = url
        self.host = name_of(url)
        self.transport = transport
        self._container: Any = None
        self._grabs: Iterator[Grab] | None = None

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
            from twistedcam.sources.http_film import HttpFilm

            SourceSpec(scheme, spec.target.partition(":")[2], {}, spec.target).require_host()
            return HttpFilm.at(spec.target)
        return cls(spec.target, transport)

    def open(self) -> SourceInfo:
        """Connect, and find the first film stream."""
        try:
            self._container = self._open_container()
            stream = self._container.streams.video[0]
        except IndexError:
            self.close()
            raise CameraFailed(f"{self.host} has no pictures") from None
        except av.error.HTTPUnauthorizedError:
            raise LoginRefused(LOGIN_REFUSED if "@" in self.url else LOGIN_WANTED) from None
        except av.error.HTTPForbiddenError:
            if "@" in self.url:
                raise LoginRefused(LOGIN_REFUSED) from None
            raise CameraFailed(f"{self.host} forbids it") from None
        except (OSError, ValueError, av.error.FFmpegError) as error:
            raise CameraFailed(f"{self.host}: {reason_of(error, TIMEOUT)}") from None
        codec = stream.codec_context
        # Frames in several threads would come later by as many frames.
        codec.thread_type = "SLICE"
        read = passed if codec.name == "mjpeg" else decoded
        self._grabs = (each.grab for each in read(self._container, stream))
        rate = float(stream.average_rate or 0)
        rate = rate if 0 <= rate <= _RATE_MOST else 0.0
        return SourceInfo(codec.width, codec.height, rate, codec.name, self.host, steady=False)

    def read(self) -> Grab | None:
        """The next picture; CameraFailed after five seconds of silence."""
        assert self._grabs is not None, "not open"
        try:
            grab = next(self._grabs, None)
        except (OSError, av.error.FFmpegError) as error:
            raise CameraFailed(f"{self.host}: {reason_of(error, TIMEOUT)}") from None
        if grab is None:
            raise CameraFailed(f"{self.host} has ended the stream")
        return grab

    def close(self) -> None:
        """Close the connection."""
        self._grabs = None
        if self._container is not None:
            self._container.close()
            self._container = None

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
            timeout=TIMEOUT,
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
