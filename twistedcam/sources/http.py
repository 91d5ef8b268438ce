"""A network camera that speaks HTTP: MJPEG streams and snapshots, passed on unchanged."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from twistedcam.errors import CameraFailed
from twistedcam.media import jpeg
from twistedcam.sources.base import Paused, RawPacket, RawPicture, Source, SourceInfo
from twistedcam.sources.http_client import CameraClient, CameraResponse
from twistedcam.sources.multipart import (
    MAX_BODY,
    JpegEndFinder,
    MultipartDecoder,
    Part,
    boundary_of,
)
from twistedcam.sources.pace import Ticker
from twistedcam.sources.spec import Settings, SourceSpec
from twistedcam.util.libraries import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Seconds of silence after which the connection is closed.
TIMEOUT = 5.0
SNAPSHOT_FPS = 2.0
#: The most seconds that a snapshot may take.
SNAPSHOT_TIMEOUT = 30.0
#: Seconds of silence after a picture that mean its end, or a snapshot, not a stream.
_STREAM_WAIT = 1.0
#: The most seconds between now and a peer's time of capture that is used.
_PLAUSIBLE = 10.0
#: The header with which a twistedcam server marks its placeholders (servers.http.streams.mjpeg).
_STATE = "x-twistedcam-state"
#: The beginning of a stream of parts: a boundary, or the headers of the first part.
_PARTS = re.compile(rb"\s*(--|content-(type|length)\s*:)", re.IGNORECASE)
#: Content types of responses that contain no picture.
_TEXTS = ("text/", "application/json", "application/xhtml")
_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*")
#: The number of bytes that is needed to detect the format.
SIGNATURE_SIZE = 16
#: The first bytes of playlists, whose content type may be a text.
_PLAYLISTS = (b"#EXTM3U", b"<?xml", b"<MPD")


class HttpSource:
    """Detects the kind of the camera from the first bytes of its response, whatever its type.

    Parts are a stream, a picture is requested repeatedly, and anything else is left to FFmpeg.

    Arguments:
        url: the address, with user and password if needed.
        fps: the snapshots per second, if it is no stream.
        verify: True if the certificate of an https address must be valid.
    """

    def __init__(self, url: str, fps: float = SNAPSHOT_FPS, verify: bool = True) -> None:
        self._client = CameraClient(url, verify, TIMEOUT)
        self.host = self._client.host
        self.fps = fps
        self._response: CameraResponse | None = None
        self._parts: Iterator[Part] | None = None
        self._ticker: Ticker | None = None
        self._video: Source | None = None
        #: True while lengths are ignored, and None if they were found right.
        self._ignores_lengths: bool | None = False
        self._first: RawPicture | None = None

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> HttpSource:
        """Return the source for ``http://HOST/stream#fps=1``."""
        spec.require_host()
        fps = settings.number("fps", 0.01, 60, SNAPSHOT_FPS) or SNAPSHOT_FPS
        return cls(f"{spec.scheme}:{spec.target}", fps, settings.flag("verify", True))

    def open(self) -> SourceInfo:
        """Send the request, and detect the kind of the response."""
        response = self._response = self._client.request()
        boundary = boundary_of(response.kind)
        if boundary is not None:
            return self._open_stream(MultipartDecoder(boundary), response, b"")
        start = _read_start(response)
        if _PARTS.match(start):
            return self._open_stream(MultipartDecoder(), response, start)
        kind = response.kind.lower()
        if is_jpeg(start) and kind.startswith("video/"):
            return self._open_stream(MultipartDecoder(), response, start)
        if is_jpeg(start):
            return self._open_jpeg(response, start)
        if is_other_image(start) or kind.startswith("image/"):
            return self._open_snapshots(self._read_picture(response, start))
        if not start:
            raise CameraFailed(f"{self.host} sends an empty response: is the address complete?")
        if kind.startswith(_TEXTS) and not start.lstrip().startswith(_PLAYLISTS):
            raise CameraFailed(
                f"{self.host} sends {kind.partition(';')[0]}, not a picture: give the address of "
                "its stream or snapshot"
            )
        return self._open_video(response, start)

    def read(self) -> RawPicture | RawPacket | None:
        """Return the next picture. A silence of 5 s is a failure, a placeholder a pause."""
        if self._video is not None:
            return self._video.read()
        if self._ticker is not None:
            return self._read_snapshot(self._ticker)
        assert self._parts is not None, "not open"
        try:
            part = next(self._parts, None)
        except ValueError as error:
            raise CameraFailed(f"{self.host} does not send MJPEG: {error}") from None
        if part is None:
            raise CameraFailed(f"{self.host} has ended the stream")
        state = part.headers.get(_STATE)
        if state is not None:
            raise Paused(f"{self.host} has no picture: its camera is {state[:20]}")
        is_image = part.headers.get("content-type", "image/").lower().startswith("image/")
        if not (is_image or is_jpeg(part.body) or is_other_image(part.body)):
            return None
        return picture_of(part.body, _time_of(part.headers.get("x-timestamp")))

    def interrupt(self) -> None:
        """Interrupt a read."""
        if self._ticker is not None:
            self._ticker.stop()
        self._client.interrupt()

    def close(self) -> None:
        """Close the connection."""
        if self._video is not None:
            self._video.close()
        if self._response is not None:
            self._response.close()
        self._client.close()
        self._response = self._parts = self._video = self._ticker = self._first = None

    def _open_stream(
        self, decoder: MultipartDecoder, response: CameraResponse, start: bytes
    ) -> SourceInfo:
        self._parts = _read_parts(decoder, response, start)
        return SourceInfo(format="MJPG", detail=self.host, steady=False)

    def _open_snapshots(self, first: RawPicture) -> SourceInfo:
        self._first = first
        self._ticker = Ticker(self.fps)
        return SourceInfo(fps=self.fps, format="snapshots", detail=self.host, steady=False)

    def _open_jpeg(self, response: CameraResponse, start: bytes) -> SourceInfo:
        """Detect whether one JPEG comes, or one after the other."""
        if response.length is not None:
            return self._open_snapshots(self._read_picture(response, start))
        data, is_whole = self._read_jpeg(response, bytearray(start))
        size = JpegEndFinder().find(data) or len(data)
        behind = bytes(data[size:])
        if is_whole and not behind.strip(b"\r\n\0"):
            self._client.set_timeout(_STREAM_WAIT)
            try:
                behind += response.read()
            except CameraFailed:  # silence: a snapshot
                behind = b""
            self._client.set_timeout(self._client.timeout)
        if is_jpeg(behind.lstrip(b"\0")):
            stream = bytes(data[:size]) + behind
            return self._open_stream(MultipartDecoder(), response, stream)
        response.close()
        return self._open_snapshots(
            picture_of(bytes(data), _time_of(response.headers.get("X-Timestamp")))
        )

    def _open_video(self, response: CameraResponse, start: bytes) -> SourceInfo:
        from twistedcam.sources.http_video import HttpVideo

        video = self._video = HttpVideo(self._client, response, start)
        return video.open()

    def _read_snapshot(self, ticker: Ticker) -> RawPicture | None:
        first, self._first = self._first, None
        if first is not None:
            return first
        if not ticker.wait():
            return None
        response = self._response = self._client.request()
        return self._read_picture(response, b"")

    def _read_picture(self, response: CameraResponse, start: bytes) -> RawPicture:
        if self._ignores_lengths:  # some cameras keep a connection that they should close
            self._client.set_timeout(_STREAM_WAIT)
        data, is_whole = self._read_jpeg(response, bytearray(start))
        has_length = response.length is not None and len(data) == response.length
        if is_jpeg(data) and not is_whole:
            self._check_lengths(has_length)
        if has_length:
            response.read()  # the end of the body, so that the connection can be kept
            response.finish()
        elif response.headers.get("Transfer-Encoding", "").lower() != "chunked" or response.read():
            response.close()
        else:
            response.finish()
        return picture_of(bytes(data), _time_of(response.headers.get("X-Timestamp")))

    def _check_lengths(self, has_length: bool) -> None:
        """Find out from a JPEG without an end if the camera says too small lengths.

        Then the rest comes if the length is ignored; else the camera has sent a part only.
        """
        if self._ignores_lengths:
            self._ignores_lengths = None
            self._client.ignore_lengths(False)
        elif has_length and self._ignores_lengths is not None:
            self._ignores_lengths = True
            self._client.ignore_lengths(True)

    def _read_jpeg(self, response: CameraResponse, data: bytearray) -> tuple[bytearray, bool]:
        """Return the body up to the end of the JPEG, and True if that end was found."""
        finder: JpegEndFinder | None = None
        until = time.monotonic() + SNAPSHOT_TIMEOUT
        while True:
            if finder is None and len(data) >= SIGNATURE_SIZE and is_jpeg(data):
                finder = JpegEndFinder()
            if finder is not None and finder.find(data) is not None:
                return data, True
            if len(data) > MAX_BODY:
                raise CameraFailed(f"{self.host} sends a picture of more than {MAX_BODY} bytes")
            if time.monotonic() > until:
                raise CameraFailed(f"{self.host}: a picture takes more than {SNAPSHOT_TIMEOUT:g} s")
            try:
                more = response.read()
            except CameraFailed:
                self._client.check_interrupted()
                if not self._ignores_lengths:
                    raise
                more = b""  # silence, where the connection should have ended
            if not more:
                return data, False
            data += more


def _read_parts(
    decoder: MultipartDecoder, response: CameraResponse, start: bytes
) -> Iterator[Part]:
    yield from decoder.feed(start)
    for data in response.chunks():
        yield from decoder.feed(data)
    yield from decoder.finish()


def _read_start(response: CameraResponse) -> bytes:
    """Return the first bytes of a body, enough to detect its format."""
    start = b""
    while len(start.lstrip()) < SIGNATURE_SIZE:
        more = response.read()
        if not more:
            break
        start += more
        if len(start) > MAX_BODY:
            break
    return start


def _time_of(stamp: str | None) -> float:
    """Return the peer's time of capture in UNIX seconds if it is plausible, else now."""
    now = time.time()
    try:
        seconds = float(stamp or "")
    except ValueError:
        return now
    return seconds if abs(now - seconds) < _PLAUSIBLE else now


def is_jpeg(data: bytes | bytearray) -> bool:
    """Return True if the data begins like a JPEG, after line ends that some cameras send first."""
    return data[:SIGNATURE_SIZE].lstrip(b"\r\n").startswith(jpeg.SOI)


def is_other_image(data: bytes) -> bool:
    """Return True if the data begins like a picture of another format."""
    is_webp = data.startswith(b"RIFF") and data[8:12] == b"WEBP"
    is_avif = data[4:12] in (b"ftypavif", b"ftypheic", b"ftypmif1")
    return is_webp or is_avif or data.startswith(_SIGNATURES)


def picture_of(data: bytes, time: float) -> RawPicture:
    """Return a JPEG unchanged, another picture decoded, or the fault of the data."""
    if is_jpeg(data):
        return RawPicture(time, jpeg=data.lstrip(b"\r\n"))
    try:
        return RawPicture(time, image=decode(data))
    except ValueError as error:
        return RawPicture(time, fault=str(error))


def decode(data: bytes) -> NDArray[np.uint8]:
    """Decode a picture to (height, width, 3) uint8, BGR.

    Raises:
        ValueError: it is no picture, is broken, or has more than ``jpeg.MAX_PIXELS``.
    """
    from PIL import Image, UnidentifiedImageError  # imported late: most cameras send JPEGs

    if not data:
        raise ValueError("the camera sends an empty picture")
    try:
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
            if width * height > jpeg.MAX_PIXELS:
                raise ValueError(
                    f"a picture of {width}x{height}: it can have {jpeg.MAX_PIXELS:,} pixels"
                )
            rgb = np.asarray(picture.convert("RGB"))
    except UnidentifiedImageError:
        raise ValueError("the data is no picture of a known format") from None
    except (
        *(OSError, SyntaxError, EOFError, MemoryError),
        *(Image.DecompressionBombError, Image.DecompressionBombWarning),
    ) as error:
        raise ValueError(f"the picture cannot be decoded: {error}") from None
    return np.ascontiguousarray(rgb[:, :, ::-1])
