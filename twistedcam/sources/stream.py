"""Cameras that FFmpeg can open: RTSP above all, and any other stream (PyAV)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import av
import av.error

from twistedcam.errors import BadArgument, CameraFailed
from twistedcam.sources.base import Grab, Granted
from twistedcam.sources.spec import Settings, SourceSpec

#: Seconds that a peer may be silent, when it is opened and later.
TIMEOUT = 5.0


class StreamSource:
    """Decodes a stream as it comes; Motion-JPEG goes through as it is.

    Arguments:
        url: what FFmpeg opens.
        transport: ``tcp`` or ``udp``, for RTSP.
    """

    def __init__(self, url: str, transport: str = "tcp") -> None:
        self.url = url
        self.host = urlsplit(url).netloc.rpartition("@")[2] or urlsplit(url).scheme
        self.transport = transport
        self._container: Any = None
        self._grabs: Iterator[Grab] | None = None

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> StreamSource:
        """``rtsp://USER:PASSWORD@HOST/path#transport=udp``, ``ffmpeg:URL``."""
        transport = settings.choice("transport", ("tcp", "udp"), "tcp")
        if spec.scheme != "ffmpeg":
            spec.require_host()
            return cls(f"{spec.scheme}:{spec.target}", transport)
        if not spec.target:
            raise BadArgument("ffmpeg: needs what FFmpeg shall open: ffmpeg:rtsp://HOST/path")
        return cls(spec.target, transport)

    def open(self) -> Granted:
        """Connect, and find the first film stream."""
        options = {"fflags": "nobuffer", "flags": "low_delay"}
        if self.url.startswith("rtsp"):
            options["rtsp_transport"] = self.transport
        try:
            self._container = av.open(self.url, options=options, timeout=(TIMEOUT, TIMEOUT))
            stream = self._container.streams.video[0]
        except IndexError:
            self.close()
            raise CameraFailed(f"{self.host} has no pictures") from None
        except (OSError, ValueError, av.error.FFmpegError) as error:
            raise CameraFailed(f"{self.host}: {_reason(error)}") from None
        codec = stream.codec_context
        # Frames in several threads would come later by as many frames.
        codec.thread_type = "SLICE"
        self._grabs = self._passed(stream) if codec.name == "mjpeg" else self._decoded(stream)
        rate = float(stream.average_rate or 0)
        return Granted(codec.width, codec.height, rate, codec.name, self.host, steady=False)

    def read(self) -> Grab | None:
        """The next picture; CameraFailed after five seconds of silence."""
        assert self._grabs is not None, "not open"
        try:
            grab = next(self._grabs, None)
        except (OSError, av.error.FFmpegError) as error:
            raise CameraFailed(f"{self.host}: {_reason(error)}") from None
        if grab is None:
            raise CameraFailed(f"{self.host} has ended the stream")
        return grab

    def close(self) -> None:
        """Close the connection."""
        self._grabs = None
        if self._container is not None:
            self._container.close()
            self._container = None

    def _passed(self, stream: Any) -> Iterator[Grab]:
        for packet in self._container.demux(stream):
            if packet.size:
                yield Grab(time.time(), jpeg=bytes(packet))

    def _decoded(self, stream: Any) -> Iterator[Grab]:
        for picture in self._container.decode(stream):
            yield Grab(time.time(), image=picture.to_ndarray(format="bgr24"))


def _reason(error: Exception) -> str:
    """What went wrong, without the address, which may have a password in it."""
    if isinstance(error, (av.error.ExitError, av.error.TimeoutError, TimeoutError)):
        return f"nothing came for {TIMEOUT:g} s"
    return str(getattr(error, "strerror", None) or type(error).__name__)
