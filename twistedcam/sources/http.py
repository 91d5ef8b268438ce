"""A camera on the web: MJPEG streams and snapshots, whose JPEGs are passed through."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from twistedcam.errors import CameraFailed
from twistedcam.sources.base import Paused, RawPicture, Source, SourceInfo
from twistedcam.sources.http_client import Answer, CameraClient
from twistedcam.sources.image_formats import SIGNATURE_SIZE, grab_of, is_jpeg, is_other_image
from twistedcam.sources.multipart import (
    MAX_BODY,
    JpegWalk,
    MultipartDecoder,
    Part,
    boundary_of,
)
from twistedcam.sources.pace import Ticker
from twistedcam.sources.spec import Settings, SourceSpec

#: Seconds after which a silent peer is given up.
TIMEOUT = 5.0
SNAPSHOT_FPS = 2.0
#: Seconds that one snapshot may take.
SNAPSHOT_TIMEOUT = 30.0
#: A camera that has sent one whole picture and is silent for so long sends snapshots, and no
#: stream.
_STREAM_WAIT = 1.0
#: A peer's time of capture is believed if it is at most so many seconds from now.
_PLAUSIBLE = 10.0
#: What a twistedcam marks its placeholders with: pictures that say why there is none (http.stream).
_STATE = "x-twistedcam-state"
#: What else may begin a stream of parts: a boundary, or the headers of the first part.
_PARTS = re.compile(rb"\s*(--|content-(type|length)\s*:)", re.IGNORECASE)
#: Types of answers that say why there is no picture.
_TEXTS = ("text/", "application/json", "application/xhtml")
#: Playlists are texts, too.
_PLAYLISTS = (b"#EXTM3U", b"<?xml", b"<MPD")


class WebSource:
    """Asks once, and does what the first bytes of the answer ask for, whatever its type.

    Parts are a stream; a picture is asked for again and again; anything else is left to FFmpeg.

    Arguments:
        url: where, with user and password if it needs them.
        fps: how often to ask for a picture, where it is one and no stream.
        verify: whether an https certificate has to be good.
    """

    def __init__(self, url: str, fps: float = SNAPSHOT_FPS, verify: bool = True) -> None:
        self._client = CameraClient(url, verify, TIMEOUT)
        self.host = self._client.host
        self.fps = fps
        self._answer: Answer | None = None
        self._parts: Iterator[Part] | None = None
        self._ticker: Ticker | None = None
        self._film: Source | None = None
        self._first: RawPicture | None = None

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> WebSource:
        """``http://HOST/stream#fps=1``."""
        spec.require_host()
        fps = settings.number("fps", 0.01, 60) or SNAPSHOT_FPS
        return cls(f"{spec.scheme}:{spec.target}", fps, settings.flag("verify", True))

    def open(self) -> SourceInfo:
        """Ask, and see what comes."""
        answer = self._answer = self._client.ask()
        boundary = boundary_of(answer.kind)
        if boundary is not None:
            return self._open_stream(MultipartDecoder(boundary), answer, b"")
        start = _read_start(answer)
        if _PARTS.match(start):
            return self._open_stream(MultipartDecoder(), answer, start)
        kind = answer.kind.lower()
        if is_jpeg(start) and kind.startswith("video/"):
            return self._open_stream(MultipartDecoder(), answer, start)
        if is_jpeg(start):
            return self._open_jpeg(answer, start)
        if is_other_image(start) or kind.startswith("image/"):
            return self._open_snapshots(self._read_picture(answer, start))
        if not start:
            raise CameraFailed(f"{self.host} sends an empty answer: is the address complete?")
        if kind.startswith(_TEXTS) and not start.lstrip().startswith(_PLAYLISTS):
            raise CameraFailed(
                f"{self.host} sends {kind.partition(';')[0]} and no picture: give the address of "
                "its stream or snapshot"
            )
        return self._open_film(answer, start)

    def read(self) -> RawPicture | None:
        """The next picture; CameraFailed after five seconds of silence, Paused at a placeholder."""
        if self._film is not None:
            return self._film.read()
        if self._ticker is not None:
            return self._read_snapshot(self._ticker)
        assert self._parts is not None, "not open"
        try:
            part = next(self._parts, None)
        except ValueError as error:
            raise CameraFailed(f"{self.host} sends no MJPEG: {error}") from None
        if part is None:
            raise CameraFailed(f"{self.host} has ended the stream")
        state = part.headers.get(_STATE)
        if state is not None:
            raise Paused(f"{self.host} has no picture: its camera is {state[:20]}")
        is_image = part.headers.get("content-type", "image/").lower().startswith("image/")
        if not (is_image or is_jpeg(part.body) or is_other_image(part.body)):
            return None
        return grab_of(part.body, _time_of(part.headers.get("x-timestamp")))

    def interrupt(self) -> None:
        """Wake who waits for the peer."""
        if self._ticker is not None:
            self._ticker.stop()
        self._client.interrupt()

    def close(self) -> None:
        """Close the connection."""
        if self._film is not None:
            self._film.close()
        if self._answer is not None:
            self._answer.close()
        self._client.close()
        self._answer = self._parts = self._film = self._ticker = self._first = None

    def _open_stream(self, decoder: MultipartDecoder, answer: Answer, start: bytes) -> SourceInfo:
        self._parts = _read_parts(decoder, answer, start)
        return SourceInfo(format="MJPG", detail=self.host, steady=False)

    def _open_snapshots(self, first: RawPicture) -> SourceInfo:
        self._first = first
        self._ticker = Ticker(self.fps)
        return SourceInfo(fps=self.fps, format="snapshots", detail=self.host, steady=False)

    def _open_jpeg(self, answer: Answer, start: bytes) -> SourceInfo:
        """See whether one JPEG comes, or one behind the other."""
        if answer.length is not None:
            return self._open_snapshots(self._read_picture(answer, start))
        data, is_whole = self._read_jpeg(answer, bytearray(start))
        first_size = JpegWalk().go_on(data) or len(data)
        behind = bytes(data[first_size:])
        if is_whole and not behind.strip(b"\r\n\0"):
            self._client.set_timeout(_STREAM_WAIT)
            try:
                behind += answer.read()
            except CameraFailed:  # silence: it was a snapshot
                behind = b""
            self._client.set_timeout(self._client.timeout)
        if is_jpeg(behind.lstrip(b"\0")):
            stream = bytes(data[:first_size]) + behind
            return self._open_stream(MultipartDecoder(), answer, stream)
        answer.close()
        return self._open_snapshots(
            grab_of(bytes(data), _time_of(answer.headers.get("X-Timestamp")))
        )

    def _open_film(self, answer: Answer, start: bytes) -> SourceInfo:
        from twistedcam.sources.http_film import HttpFilm

        film = self._film = HttpFilm(self._client, answer, start)
        return film.open()

    def _read_snapshot(self, ticker: Ticker) -> RawPicture | None:
        first, self._first = self._first, None
        if first is not None:
            return first
        if not ticker.wait():
            return None
        answer = self._answer = self._client.ask()
        return self._read_picture(answer, b"")

    def _read_picture(self, answer: Answer, start: bytes) -> RawPicture:
        data, _ = self._read_jpeg(answer, bytearray(start))
        if answer.length is not None and len(data) == answer.length:
            answer.read()  # the end, which lets the connection be kept
            answer.finish()
        elif answer.headers.get("Transfer-Encoding", "").lower() != "chunked" or answer.read():
            answer.close()
        else:
            answer.finish()
        return grab_of(bytes(data), _time_of(answer.headers.get("X-Timestamp")))

    def _read_jpeg(self, answer: Answer, data: bytearray) -> tuple[bytearray, bool]:
        """The whole body, or as much as has the whole JPEG in it; and whether it has."""
        walk: JpegWalk | None = None
        until = time.monotonic() + SNAPSHOT_TIMEOUT
        while True:
            if walk is None and len(data) >= SIGNATURE_SIZE and is_jpeg(data):
                walk = JpegWalk()
            if walk is not None and walk.go_on(data) is not None:
                return data, True
            if len(data) > MAX_BODY:
                raise CameraFailed(f"{self.host} sends a picture of more than {MAX_BODY} bytes")
            if time.monotonic() > until:
                raise CameraFailed(f"{self.host}: a picture takes more than {SNAPSHOT_TIMEOUT:g} s")
            more = answer.read()
            if not more:
                return data, False
            data += more


def _read_parts(decoder: MultipartDecoder, answer: Answer, start: bytes) -> Iterator[Part]:
    yield from decoder.feed(start)
    for data in answer.chunks():
        yield from decoder.feed(data)
    yield from decoder.finish()


def _read_start(answer: Answer) -> bytes:
    """The first bytes of a body, as many as are needed to tell what it is."""
    start = b""
    while len(start.lstrip()) < SIGNATURE_SIZE:
        more = answer.read()
        if not more:
            break
        start += more
        if len(start) > MAX_BODY:
            break
    return start


def _time_of(stamp: str | None) -> float:
    """A peer's time of capture, UNIX seconds, if it says one that can be true; else now."""
    now = time.time()
    try:
        seconds = float(stamp or "")
    except ValueError:
        return now
    return seconds if abs(now - seconds) < _PLAUSIBLE else now
