"""Recordings by time over HTTP: as one MP4, as HLS, or as a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from twistedcam.errors import BadArgument, TooMany
from twistedcam.net.addresses import source_of
from twistedcam.recording.playback.piece import Piece
from twistedcam.recording.playback.planner import NotPlayable
from twistedcam.recording.playback.playlist import TYPE as PLAYLIST
from twistedcam.recording.playback.service import NothingRecorded
from twistedcam.servers.http.chunk_producer import ChunkProducer
from twistedcam.servers.http.connection.byte_range import normalize_range
from twistedcam.servers.http.connection.reply import Reply, error_reply, json_reply
from twistedcam.servers.http.connection.request import (
    HttpRequest,
    has_parameter,
    query,
    requested_camera,
)
from twistedcam.util.camera_name import file_stem
from twistedcam.util.quantities import moment
from twistedcam.util.quantities import seconds as parse_seconds

if TYPE_CHECKING:
    from twistedcam.core.server import Server

TYPE = "video/mp4"
#: Seconds of a piece if the request does not say.
DEFAULT_DURATION = 3600.0
#: Pieces that are sent to one address at the same time, and to all.
MAX_PER_CLIENT, MAX_STREAMS = 8, 64
#: Seconds before the end of a piece at which a playlist ends, so that no picture that a recording
#: gets later is in it.
_MARGIN = 0.001
#: Gaps in the response's header at most.
_MAX_GAPS = 50


class Playback:
    """Answers ``/playback/CAMERA``, and its ``piece.mp4``, ``index.m3u8`` and ``picture``."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._streams: Counter[str] = Counter()

    async def picture(self, request: HttpRequest, camera: str) -> Reply:
        """Return a small JPEG of the key frame at or before a time.

        Raises:
            NoSuchRecording: nothing was recorded then, or it cannot be read.
            TooOften: the client asks for too many.
        """
        name = await self._camera(request, camera)
        at = _moment(request, "start")
        self._server.snapshots.acquire(source_of(request.getClientAddress()))
        try:
            jpeg = await self._server.playback.picture(name, at)
        except NothingRecorded as error:
            return _nothing(error)
        return Reply(jpeg, "image/jpeg", cache="private, max-age=3600")

    async def playlist(self, request: HttpRequest, camera: str) -> Reply:
        """Return an HLS playlist of a piece.

        Raises:
            BadArgument, NotSupported: as for ``get``.
        """
        name = await self._camera(request, camera)
        start, seconds = _moment(request, "start"), _duration(request)
        try:
            piece = await self._server.playback.plan(name, start, seconds)
            # A recording may grow: its segments have to stay where they are.
            seconds = round(piece.end - start - _MARGIN, 6)
            piece = await self._server.playback.plan(name, start, seconds)
        except NothingRecorded as error:
            return _nothing(error)
        given = {"start": f"{start:.6f}", "duration": f"{seconds:.6f}"}
        token = query(request, "token")
        if token is not None:
            given["token"] = token
        text = await self._server.playback.playlist(piece, f"piece.mp4?{urlencode(given)}")
        return Reply(text.encode(), PLAYLIST)

    async def get(self, request: HttpRequest, camera: str | None = None) -> Reply | None:
        """Send a piece of the recordings, or the part that ``Range`` asks for.

        Raises:
            BadArgument: ``start`` or ``duration`` is missing or not valid.
            NotSupported: the recording at that time is no H.264 or H.265 in an MP4.
            TooMany: too many pieces are being sent.
        """
        server = self._server
        gone: list[bool] = []
        request.notifyFinish().addErrback(lambda _: gone.append(True))
        start = _moment(request, "start")
        seconds = _duration(request)
        name = await self._camera(request, camera)
        asked = request.getHeader("Range")
        is_continued = asked is not None and not asked.replace(" ", "").startswith("bytes=0-")
        try:
            piece = await server.playback.plan(
                name, start, seconds, is_continued, has_parameter(request, "keyframes")
            )
        except NothingRecorded as error:
            return _nothing(error)
        except NotPlayable as error:
            body = {"code": error.code, "message": str(error), "recording": error.recording}
            return json_reply(body, 409)
        if gone:
            return None
        first, last = _set_headers(request, piece, name)
        if request.method == b"HEAD" or first >= last:
            request.finish()
            return None
        self._send(request, server.playback.read(piece, first, last), last - first)
        return None

    async def _camera(self, request: HttpRequest, camera: str | None) -> str:
        """Return the name of the requested camera, which may have been removed; or of the first.

        Raises:
            NoSuchCamera: there is neither a camera nor a recording of that name.
        """
        asked = requested_camera(request, self._server, camera)
        if asked is None:
            return self._server.first_or_named(None).name
        return await self._server.playback.find_camera(asked)

    def _send(self, request: HttpRequest, chunks: Iterator[bytes], size: int) -> None:
        source = source_of(request.getClientAddress())
        if self._streams[source] >= MAX_PER_CLIENT or self._streams.total() >= MAX_STREAMS:
            raise TooMany("too many recordings are being played: try again later")
        closed = self._server.connection_limiter.open_file()
        self._streams[source] += 1

        def end(_: Any) -> None:
            closed()
            self._streams[source] -= 1
            if not self._streams[source]:
                del self._streams[source]

        request.notifyFinish().addBoth(end)
        ChunkProducer(request, chunks, size, self._server.make_thread(), "playback").start()


def _duration(request: HttpRequest) -> float:
    text = query(request, "duration")
    return DEFAULT_DURATION if text is None else parse_seconds(text, "duration")


def _moment(request: HttpRequest, name: str) -> float:
    text = query(request, name)
    if text is None:
        raise BadArgument(f"{name} is missing: /playback/CAMERA?{name}=2026-11-29T14:03:00")
    # "+01:00" in a query is a space and "01:00", unless it is percent-encoded.
    return moment(text.replace(" ", "+"), name)


def _set_headers(request: HttpRequest, piece: Piece, camera: str) -> tuple[int, int]:
    """Set the headers of a response; return its first byte, and the one after its last."""
    set_header = request.setHeader
    set_header("Content-Type", TYPE)
    set_header("Cache-Control", "no-cache")
    set_header("Content-Security-Policy", "default-src 'none'; media-src 'self'")
    set_header("Cross-Origin-Resource-Policy", "same-origin")
    set_header("Accept-Ranges", "bytes")
    set_header("ETag", f'"{piece.tag}"')
    set_header("X-Twistedcam-Start", f"{piece.start:.6f}")
    set_header("X-Twistedcam-End", f"{piece.end:.6f}")
    set_header("X-Twistedcam-Seconds", f"{piece.seconds:.6f}")
    gaps = piece.gaps
    if gaps:
        shown = ", ".join(f"{at:.3f}+{missing:.3f}" for at, missing in gaps[:_MAX_GAPS])
        set_header("X-Twistedcam-Gaps", shown + (", …" if len(gaps) > _MAX_GAPS else ""))
    if piece.next is not None:
        set_header("X-Twistedcam-Next", f"{piece.next:.6f}")
    if has_parameter(request, "download"):
        name = f"{file_stem(camera)}_{piece.start:.0f}.mp4"
        set_header("Content-Disposition", f"attachment; filename*=UTF-8''{quote(name)}")
    condition = request.getHeader("If-Range")
    asked = request.getHeader("Range") if request.method == b"GET" else None
    wanted = None
    if asked is not None and condition in (None, f'"{piece.tag}"'):
        wanted = normalize_range(asked, piece.size)
    first, last = 0, piece.size
    if wanted is not None:
        begin, _, end = wanted.removeprefix("bytes=").partition("-")
        if begin:
            first = int(begin)
            last = min(piece.size, int(end) + 1) if end else piece.size
        else:
            first = piece.size - int(end)
        if first >= last:
            request.setResponseCode(416)
            set_header("Content-Range", f"bytes */{piece.size}")
            set_header("Content-Length", "0")
            return 0, 0
        request.setResponseCode(206)
        set_header("Content-Range", f"bytes {first}-{last - 1}/{piece.size}")
    set_header("Content-Length", str(last - first))
    return first, last


def _nothing(error: NothingRecorded) -> Reply:
    """The reply of status 404, with the nearest span for programs."""
    if error.nearest is None:
        return error_reply(error)
    nearest = {"start": round(error.nearest.start, 3), "end": round(error.nearest.end, 3)}
    body = {"code": error.code, "message": str(error), "nearest": nearest}
    return json_reply(body, 404)
