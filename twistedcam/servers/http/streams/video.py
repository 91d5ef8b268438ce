"""Live video over HTTP as fragmented MP4, in the camera's own codec."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twistedcam.delivery.sender import Serializer, do_nothing
from twistedcam.errors import BadArgument, CameraFailed, NotSupported
from twistedcam.events import CameraChanged, Event
from twistedcam.media.mp4_fragment import AUDIO_CODECS, VIDEO_CODECS, fragment, init_segment
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.net.addresses import show_address
from twistedcam.runtime.timer import Timer
from twistedcam.servers.http.connection.request import HttpRequest, query, requested_camera
from twistedcam.servers.http.connection.takeover import Receiver, response_head
from twistedcam.stream.hub import GroupHub, Sink
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
#: The sound of the stream: the camera's own if it is one of these, else the first.
_SOUND = Wants(AUDIO_CODECS, kind="audio")
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


def wanted_stream(request: HttpRequest, server: Server, camera: Camera) -> Camera:
    """Return a camera, or the one of its smaller stream if the request has ``substream=1``.

    Raises:
        BadArgument: the value is neither 0 nor 1.
        NotSupported: the camera has no smaller stream.
    """
    text = query(request, "substream")
    if text not in (None, "0", "1"):
        raise BadArgument(f"substream={text}: must be 0 or 1")
    if text != "1":
        return camera
    found = server.channels[camera.name].substream
    if found is None:
        raise NotSupported(
            f"{camera.name} has no smaller stream, or it is not found yet: "
            f"set substream in [camera.{camera.name}.video]"
        )
    return found.own


class VideoStreams:
    """Answers ``/video``."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def get(self, request: HttpRequest, camera: str | None = None) -> None:
        """Start a stream, which takes the connection over from HTTP.

        Raises:
            NoSuchCamera, BadArgument: the camera, ``codec`` or another parameter is not valid.
            NotSupported: the camera's video is not available in that codec, or it has no substream.
            CameraFailed: it has no picture.
        """
        server = self._server
        asked = server.first_or_named(requested_camera(request, server, camera))
        watched = wanted_stream(request, server, asked)
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
            may_listen = request.grant.allows("listen", asked.name)
            if may_listen:
                sound = watched.audio.when_known()
                request.notifyFinish().addErrback(lambda _: sound.cancel())
                await sound
            VideoSession(server, request, asked.name, watched, wants, may_listen)
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
        self._subscription = stream.subscribe(self, wants)

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
        self._subscription.close()


class _FilmFragments:
    """Returns fragments for one viewer, whose film begins at 0 with the first picture that is sent.

    VLC ends a film with sound whose tracks do not both begin there. Sound from before that picture
    is left out: nothing is returned for it.

    Arguments:
        sound_since: returns the sound since a time of the timeline. It follows the first picture.
    """

    def __init__(self, sound_since: Callable[[int], list[Packet]]) -> None:
        self._sound_since = sound_since
        #: The time of the first picture; None before it is sent.
        self._origin: int | None = None

    def __call__(self, packet: Packet) -> bytes:
        origin = self._origin
        if packet.track.kind == "audio":
            is_early = origin is None or packet.pts < origin
            return b"" if is_early else fragment(packet, origin or 0)
        if origin is not None:
            return fragment(packet, origin)
        # A sender serializes what it sends now: a picture that waits may be overtaken.
        self._origin = origin = packet.dts
        first = (packet, *self._sound_since(origin))
        return b"".join(fragment(each, origin) for each in first)


def _expected_origin(stream: Stream, wants: Wants) -> int:
    """The time of the first packet that a new viewer will probably get."""
    hub = stream.hub_for(wants)
    if isinstance(hub, GroupHub) and hub.group:
        return hub.group[0].dts
    return stream.now() or 0


class VideoSession(Receiver):
    """One viewer of a video stream. The stream ends when the video's or sound's format changes.

    Arguments:
        server, request: the server, and the request.
        name: the name of the camera.
        camera, wants: the camera or its smaller stream, and the video.
        may_listen: False to leave the sound out.

    Raises:
        NotSupported: the camera's video is not available in these codecs.
    """

    def __init__(
        self,
        server: Server,
        request: HttpRequest,
        name: str,
        camera: Camera,
        wants: Wants,
        may_listen: bool = True,
    ) -> None:
        self._server = server
        self._name = name
        self._camera = camera
        self._transport: Any = request.channel.transport
        self._closing = self._gone = False
        self._track: Track | None = None
        sound = camera.stream.hub_for(_SOUND) if may_listen else None
        self._sound_track = None if sound is None else sound.track
        #: Without sound, all viewers share the same fragments.
        self._fragment: Serializer = fragment
        if self._sound_track is not None:
            self._fragment = _FilmFragments(self._sound_since)
            self._sound_since(_expected_origin(camera.stream, wants))  # it is made from then on
        request.channel.take_over(self)
        self._sender = server.delivery.make_sender(
            self._transport, self._fragment, lambda: self._subscription.ready(), self.close
        )
        self._sender.send_message(response_head(request, HEADERS))
        address = show_address(request.getClientAddress())
        self._viewer = server.viewers.join(
            address, "http", name, self._sender.path, lambda _: self.close()
        )
        self._subscription = server.delivery.subscribe_stream(
            self._viewer, camera.stream, wants, self._sender, None, on_track=self._on_track
        )
        self._stop_sound: Callable[[], None] = do_nothing
        self._unsubscribe = server.events.subscribe(self._on_event)
        self._subscription.start()
        if self._sound_track is not None:
            self._stop_sound = server.delivery.subscribe_sound(
                self._viewer,
                camera.stream,
                _SOUND,
                self._sender,
                self._fragment,
                self._on_sound_track,
            )
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

    def _sound_since(self, time: int) -> list[Packet]:
        """The sound since a time, as far as it is kept (CameraSound.since)."""
        sound = self._camera.stream.audio.since(time, AUDIO_CODECS)
        return [each for each in sound if each.track == self._sound_track]

    def _on_sound_track(self, track: Track) -> None:
        """End the stream if the sound has another format."""
        if track != self._sound_track:
            self.close()

    def _on_event(self, event: Event) -> None:
        is_about_it = isinstance(event, CameraChanged) and event.camera == self._name
        if is_about_it and self._camera.state == "stopped" and not self._camera.is_idle:
            self.close()

    def close(self) -> None:
        """End the stream after the fragment that is being sent."""
        if self._closing:
            return
        self._leave()
        self._subscription.finish(self._transport.loseConnection)
        # A viewer that does not read would keep the connection open without end.
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
        self._stop_sound()
        self._server.viewers.leave(self._viewer)

    def _abort(self) -> None:
        if not self._gone:
            self._transport.abortConnection()
