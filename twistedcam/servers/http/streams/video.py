"""Live video over HTTP as fragmented MP4, in the camera's own codec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twistedcam.errors import BadArgument, CameraFailed
from twistedcam.events import CameraChanged, Event
from twistedcam.media.mp4_fragment import AUDIO_CODECS, VIDEO_CODECS, fragment, init_segment
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.net.addresses import show_address
from twistedcam.runtime.timer import Timer
from twistedcam.servers.http.connection.request import HttpRequest, query, requested_camera
from twistedcam.servers.http.connection.takeover import Receiver, response_head
from twistedcam.stream.hub import Sink
from twistedcam.stream.stream import Subscription
from twistedcam.stream.wants import Wants
from twistedcam.util.quantities import picture_size

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server
    from twistedcam.stream.stream import Stream

log = Logger()

HEADERS = {
    "Content-Type": "video/mp4",
    "Cache-Control": "no-store",
    "Pragma": "no-cache",
    "X-Accel-Buffering": "no",  # otherwise nginx buffers fragments
}
#: Seconds to wait for the first picture, before the response begins.
FIRST_WAIT = 10.0
#: Most bytes of sound that wait for a slow viewer; beyond, sound is left out.
MAX_SOUND = 64 * 1024
#: Other names of codecs.
_ALIASES = {"h265": "hevc"}
#: Seconds for a viewer to read unsent data before its connection is aborted.
CLOSE_TIMEOUT = 1.0


def wanted_codecs(request: HttpRequest) -> tuple[str, ...]:
    """Return the codecs of ``?codec=h264,hevc`` in order of preference; empty for JPEG.

    Raises:
        BadArgument: a codec is unknown.
    """
    text = query(request, "codec")
    if text is None:
        return ()
    codecs = [_ALIASES.get(each, each) for each in text.split(",")]
    if codecs in (["jpeg"], ["mjpeg"]):
        return ()
    if not all(each in VIDEO_CODECS for each in codecs):
        raise BadArgument(f"codec={text}: must be h264, hevc or both (h264,hevc), or jpeg")
    return tuple(dict.fromkeys(codecs))


def wanted_size(request: HttpRequest) -> tuple[int, int] | None:
    """Return width and height of ``?size=640x360``; None if there is none.

    Raises:
        BadArgument: it is not a size.
    """
    text = query(request, "size")
    return None if text is None else picture_size(text, "size")


class VideoStreams:
    """Answers ``/video``."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def get(self, request: HttpRequest, camera: str | None = None) -> None:
        """Start a stream, which takes the connection over from HTTP.

        Raises:
            NoSuchCamera, BadArgument: the camera, ``codec`` or ``size`` is not valid.
            NotSupported: the camera's video cannot be had in that codec.
            CameraFailed: it has no picture.
        """
        server = self._server
        watched = server.first_or_named(requested_camera(request, server, camera))
        wants = Wants(_video_codecs(request), size=wanted_size(request))
        if request.method == b"HEAD":
            request.channel.transport.write(response_head(request, HEADERS))
            request.channel.loseConnection()
            return
        if watched.state == "stopped" and not watched.is_idle:
            raise _failed(watched)
        waiting = _FirstTrack(watched.stream, wants)
        request.notifyFinish().addErrback(lambda _: waiting.known.cancel())
        timer = Timer(server.clock)
        timer.start(FIRST_WAIT, waiting.give_up)
        try:
            if not await waiting.known:
                raise _failed(watched)
            VideoSession(server, request, watched, wants)
        finally:
            timer.cancel()
            waiting.leave()


def _video_codecs(request: HttpRequest) -> tuple[str, ...]:
    codecs = wanted_codecs(request)
    if not codecs and query(request, "codec") is not None:
        raise BadArgument("MP4 contains no JPEG; use /stream")
    return codecs or VIDEO_CODECS


def _failed(camera: Camera) -> CameraFailed:
    because = f": {camera.reason}" if camera.reason else ""
    return CameraFailed(f"{camera.name} has no picture, it is {camera.state}{because}")


class _FirstTrack(Sink[Packet]):
    """Waits for the track of a stream, and keeps an encoder active meanwhile."""

    def __init__(self, stream: Stream, wants: Wants) -> None:
        #: Fires with True when the track is known, with False if it takes too long.
        self.known: Deferred[bool] = Deferred()
        self._place = stream.subscribe(self, wants)

    def take(self, packet: Packet, /) -> None:
        """Ignore packets (hub.Sink)."""

    def track_changed(self, track: Track) -> None:
        if not self.known.called:
            self.known.callback(True)

    def give_up(self) -> None:
        """Wait no longer."""
        if not self.known.called:
            self.known.callback(False)

    def leave(self) -> None:
        """Take no more packets."""
        self._place.close()


class _Sound(Sink[Packet]):
    """Sends the sound of a camera between its pictures."""

    def __init__(self, session: VideoSession) -> None:
        self._session = session

    def take(self, packet: Packet, /) -> None:
        self._session.send_sound(packet)

    def track_changed(self, track: Track) -> None:
        self._session.check_sound(track)


class VideoSession(Receiver):
    """One viewer of a video stream. The stream ends when the video's format changes.

    Raises:
        NotSupported: the camera's video cannot be had in these codecs.
    """

    def __init__(self, server: Server, request: HttpRequest, camera: Camera, wants: Wants) -> None:
        self._server = server
        self._camera = camera
        self._transport: Any = request.channel.transport
        self._closing = self._gone = False
        self._track: Track | None = None
        self._sound_track = _sound_of(camera.stream)
        request.channel.take_over(self)
        self._sender = server.delivery.make_sender(
            self._transport, fragment, lambda: self._subscription.ready(), self.close
        )
        self._sender.send_message(response_head(request, HEADERS))
        address = show_address(request.getClientAddress())
        self._viewer = server.viewers.join(
            address, "http", camera.name, self._sender.path, lambda _: self.close()
        )
        self._subscription = server.delivery.subscribe_stream(
            self._viewer, camera.stream, wants, self._sender, None, on_track=self._on_track
        )
        self._sound: Subscription | None = None
        self._unsubscribe = server.events.subscribe(self._on_event)
        self._subscription.start()
        if self._sound_track is not None:
            sound = Wants((self._sound_track.codec,), kind="audio")
            self._sound = camera.stream.subscribe(_Sound(self), sound)
        server.viewers.announce(self._viewer)

    def _on_track(self, track: Track) -> None:
        """Send the initialisation segment before the first packet; end where another begins."""
        if self._track is None:
            self._track = track
            tracks = [each for each in (track, self._sound_track) if each is not None]
            try:
                self._sender.send_message(init_segment(tracks))
            except ValueError as error:
                log.warn("{camera}: no MP4: {error}", camera=self._camera.name, error=str(error))
                self.close()
        elif track != self._track:
            self.close()

    def send_sound(self, packet: Packet) -> None:
        """Send a packet of sound, unless the viewer is too slow."""
        if self._track is not None and self._sender.queued_bytes() < MAX_SOUND:
            self._sender.send_message(packet.shared(fragment))

    def check_sound(self, track: Track) -> None:
        """End the stream if the sound has another format."""
        if track != self._sound_track:
            self.close()

    def _on_event(self, event: Event) -> None:
        is_about_it = isinstance(event, CameraChanged) and event.camera == self._camera.name
        if is_about_it and self._camera.state == "stopped" and not self._camera.is_idle:
            self.close()

    def close(self) -> None:
        """End the stream after the fragment that is being sent."""
        if self._closing:
            return
        self._leave()
        self._subscription.finish(self._transport.loseConnection)
        # A viewer that does not read would keep the connection open forever.
        self._server.clock.callLater(CLOSE_TIMEOUT, self._abort)

    def lost(self) -> None:
        """Clean up after the end of the connection."""
        self._gone = True
        self._leave()
        self._subscription.close()

    def _leave(self) -> None:
        if self._closing:
            return
        self._closing = True
        self._unsubscribe()
        if self._sound is not None:
            self._sound.close()
        self._server.viewers.leave(self._viewer)

    def _abort(self) -> None:
        if not self._gone:
            self._transport.abortConnection()


def _sound_of(stream: Stream) -> Track | None:
    """The track of the stream's sound, if MP4 can contain it."""
    track = stream.sound.track
    return track if track is not None and track.codec in AUDIO_CODECS else None
