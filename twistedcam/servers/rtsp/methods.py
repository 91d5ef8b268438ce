"""The methods of RTSP: what each request does, and its response (RFC 2326, section 10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from twistedcam.auth import ANYONE, Grant
from twistedcam.auth.password_login import PasswordLogin, StaleNonce
from twistedcam.errors import Forbidden, NotSupported, TwistedcamError, Unauthorized
from twistedcam.media.track import AUDIO, VIDEO, Track
from twistedcam.rtsp.messages import REASONS, VERSION, RtspHeaders, RtspRequest, RtspResponse
from twistedcam.servers.rtsp.address import StreamAddress, parse_address
from twistedcam.servers.rtsp.description import describe
from twistedcam.servers.rtsp.media_track import SOUND, MediaTrack
from twistedcam.servers.rtsp.session import TIMEOUT, RtspServerSession
from twistedcam.servers.rtsp.streams import RtspPeerConnection, RtspStreams
from twistedcam.servers.rtsp.transport_header import UnsupportedTransport, choose_transport
from twistedcam.stream.wants import Wants
from twistedcam.version import __version__

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server

SERVER = f"twistedcam/{__version__}"
METHODS = (
    *("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE"),
    *("GET_PARAMETER", "SET_PARAMETER", "TEARDOWN"),
)
#: The statuses of errors, by their codes.
_STATUSES = {
    "unauthorized": 401,
    "no-such-camera": 404,
    "camera-needed": 404,
    "bad-argument": 400,
    "bad-message": 400,
    "too-large": 413,
    "not-supported": 415,
    "too-many": 453,
}
#: Bytes of a status line's reason at most.
_MAX_REASON = 400


class Refusal(Exception):
    """A request that is not carried out.

    Arguments:
        status: of the response.
        reason: a sentence for people.
        headers: more headers of the response.
    """

    def __init__(self, status: int, reason: str, *headers: tuple[str, str]) -> None:
        super().__init__(reason)
        self.status = status
        self.headers = headers


def as_reason(text: str) -> str:
    """Return a text as the reason of a status line."""
    return " ".join(text.split())[:_MAX_REASON]


class RtspMethods:
    """Answers the requests of one connection.

    Arguments:
        connection: the connection.
        server: the server of the cameras.
        login: finds the rights of a client.
        streams: the tracks and sessions of all connections.
    """

    def __init__(
        self,
        connection: RtspPeerConnection,
        server: Server,
        login: PasswordLogin,
        streams: RtspStreams,
    ) -> None:
        self._connection = connection
        self._server = server
        self._login = login
        self._streams = streams
        self._methods: dict[str, Callable[[RtspRequest], Any]] = {
            "OPTIONS": self._options,
            "DESCRIBE": self._describe,
            "SETUP": self._setup,
            "PLAY": self._play,
            "PAUSE": self._pause,
            "GET_PARAMETER": self._parameters,
            "SET_PARAMETER": self._parameters,
            "TEARDOWN": self._teardown,
        }

    async def answer(self, request: RtspRequest) -> None:
        """Carry out a request, and send the response."""
        try:
            self._check(request)
            await self._methods[request.method](request)
        except Refusal as error:
            self._respond(request, error.status, *error.headers, reason=str(error))
        except (UnsupportedTransport, ValueError) as error:
            status = 461 if isinstance(error, UnsupportedTransport) else 400
            self._respond(request, status, reason=str(error))
        except TwistedcamError as error:
            self._refuse(request, error)

    def _check(self, request: RtspRequest) -> None:
        """Check what all methods have in common.

        Raises:
            Refusal: the request cannot be answered otherwise.
        """
        if request.cseq is None:
            raise Refusal(400, "the header CSeq has to be a number")
        if not request.version.startswith("RTSP/1."):
            raise Refusal(505, f"{request.version} is not supported; this server speaks {VERSION}")
        if request.method not in METHODS:
            known = ("ANNOUNCE", "RECORD", "REDIRECT")
            status = 405 if request.method in known else 501
            allowed = ("Allow", ", ".join(METHODS))
            raise Refusal(status, f"{request.method[:40]} is not possible here", allowed)
        features = request.headers.get("Require")
        if features:
            unsupported = ("Unsupported", features[:200])
            raise Refusal(551, f"{features[:200]} is not supported here", unsupported)

    def _refuse(self, request: RtspRequest, error: TwistedcamError) -> None:
        status, headers = _STATUSES.get(error.code, 503), list[tuple[str, str]]()
        if isinstance(error, Forbidden):
            status = 403
        elif isinstance(error, Unauthorized):
            stale = isinstance(error, StaleNonce)
            challenges = self._login.challenges(stale=stale)
            headers = [("WWW-Authenticate", each) for each in challenges]
        self._respond(request, status, *headers, reason=str(error))

    # The methods.

    async def _options(self, request: RtspRequest) -> None:
        self._note_alive(request)
        self._respond(request, 200, ("Public", ", ".join(METHODS)))

    async def _describe(self, request: RtspRequest) -> None:
        address = parse_address(request.uri)
        camera = await self._authorize(request, address)
        accepted = request.headers.get("Accept") or "application/sdp"
        if not any(kind in accepted for kind in ("application/sdp", "*/*", "application/*")):
            raise Refusal(406, "a description here is application/sdp")
        tracks = await self._tracks(camera, address)
        described = [track for track, _ in tracks]
        host = getattr(self._connection.transport.getHost(), "host", "")
        number = abs(hash(tuple(described))) % 10**10
        title = camera.title or camera.name
        body = describe(title, described, address, number, host, camera.stream.find_rate())
        self._respond(
            request,
            200,
            ("Content-Type", "application/sdp"),
            ("Content-Base", f"{address.base}/"),
            body=body,
        )

    async def _setup(self, request: RtspRequest) -> None:
        connection, streams = self._connection, self._streams
        address = parse_address(request.uri)
        camera = await self._authorize(request, address)
        session = self._find(request, optional=True)
        if session is not None and session.state == "playing":
            raise Refusal(455, "tracks are set up before PLAY")
        if session is not None and session.camera is not camera:
            raise Refusal(459, "a session has the tracks of one camera")
        transport = choose_transport(request.headers.get("Transport"), has_udp=self._has_udp())
        wanted = VIDEO if address.track is None else address.track
        found = {track.id: media for track, media in await self._tracks(camera, address)}
        if wanted not in found:
            raise Refusal(404, f"{camera.name} has no track {wanted}")
        if connection.is_over:
            return
        # It may have changed while the tracks were not known yet.
        session = self._find(request, optional=True) or connection.session
        is_new = session is None
        if session is None:
            session = connection.session = streams.open_session(camera, connection)
        try:
            url = address.track_url(wanted)
            spec = streams.set_up(
                session, wanted, found[wanted], url, transport, connection.transport
            )
        except Exception:
            if is_new:
                connection.session = None
                session.end()
            raise
        self._respond(request, 200, ("Transport", spec), _session_header(session))

    async def _play(self, request: RtspRequest) -> None:
        session = self._find(request)
        assert session is not None
        await self._authorize_session(request, session)
        if session.state == "ended" or self._connection.is_over:
            raise Refusal(454, "the session has ended")
        headers = [_session_header(session), ("Range", "npt=now-")]
        headers += [("RTP-Info", info)] if (info := session.rtp_info()) else []
        response = self._response(request, 200, *headers)
        self._require_carrier(session)
        if session.state == "playing":
            self._connection.respond(response)
        elif not session.tracks:
            raise Refusal(455, "no track is set up")
        elif session.is_interleaved:
            session.play(response)
        else:
            self._connection.respond(response)
            session.play(b"")

    async def _pause(self, request: RtspRequest) -> None:
        session = self._find(request)
        assert session is not None
        await self._authorize_session(request, session)
        self._require_carrier(session)
        if session.state == "playing":
            done: Deferred[None] = Deferred()
            session.pause(lambda: done.callback(None))
            await done
            if session.carrier is self._connection:
                self._connection.reclaim_transport()
        self._respond(request, 200, _session_header(session))

    async def _teardown(self, request: RtspRequest) -> None:
        session = self._find(request)
        assert session is not None
        await self._authorize_session(request, session)
        connection, done = self._connection, Deferred[None]()
        reason = None if session is connection.session else "another connection has ended it"
        session.end(reason, lambda: done.callback(None))
        await done
        if connection.session is session:
            connection.session = None
            connection.reclaim_transport()
        self._respond(request, 200)

    async def _parameters(self, request: RtspRequest) -> None:
        session = self._note_alive(request)
        if session is None and request.headers.get("Session"):
            raise Refusal(454, "there is no such session")
        if request.body.strip():
            names = request.body.decode(errors="replace").split()
            raise Refusal(451, f"there is no parameter {names[0][:100]}")
        headers = [] if session is None else [_session_header(session)]
        self._respond(request, 200, *headers)

    # Their parts.

    def _require_carrier(self, session: RtspServerSession) -> None:
        """Refuse a request for a session whose packets go over another connection."""
        if session.is_interleaved and session.carrier is not self._connection:
            raise Refusal(455, "the session belongs to another connection")

    async def _authorize(self, request: RtspRequest, address: StreamAddress) -> Camera:
        """Return the camera that a request is about, which the client may view.

        Raises:
            Unauthorized: the token is missing or wrong, or does not allow it.
            NoSuchCamera: there is no such camera.
        """
        server = self._server
        grant = await self._grant(request)
        first = next(iter(server.channels), "")
        name = first if address.camera is None else server.name_of(address.camera)
        grant.require("view", name)
        camera = server.camera(name)
        self._connection.log_in(grant, camera.name)
        return camera

    async def _authorize_session(self, request: RtspRequest, session: RtspServerSession) -> None:
        grant = await self._grant(request)
        grant.require("view", session.camera.name)
        self._connection.log_in(grant, session.camera.name)

    async def _grant(self, request: RtspRequest) -> Grant:
        connection = self._connection
        if not self._server.authenticator.is_needed:
            return ANYONE
        header = request.headers.get("Authorization")
        if not header and connection.grant is not None:
            return connection.grant
        return await self._login.grant(header, request.method, connection.transport.getPeer())

    async def _tracks(
        self, camera: Camera, address: StreamAddress
    ) -> list[tuple[Track, MediaTrack]]:
        """Return the tracks of a stream, the video first.

        Raises:
            NotSupported: its video is not available in the codec that was asked for, or RTP cannot
                carry it.
        """
        streams = self._streams
        video = streams.track(camera, Wants(address.codecs, size=address.size))
        video.use(self, _ignore)
        try:
            await video.when_known()
        finally:
            video.release(self)
        assert video.track is not None
        tracks = [(video.track, video)]
        grant = self._connection.grant
        sound = None
        if grant is None or grant.allows("listen", camera.name):
            await camera.audio.when_known()
            hub = camera.stream.audio.hub_for(SOUND)
            sound = None if hub is None else hub.track
        if sound is not None:
            media = streams.track(camera, Wants(SOUND, "audio"))
            media.use(self, _ignore)
            try:
                media.expect(sound)
            except NotSupported:
                pass
            else:
                tracks.append((sound, media))
            finally:
                media.release(self)
        assert all(track.id in (VIDEO, AUDIO) for track, _ in tracks)
        return tracks

    def _find(self, request: RtspRequest, *, optional: bool = False) -> RtspServerSession | None:
        """Return the session of a request.

        Raises:
            Refusal: there is none, or it belongs to another client.
        """
        own = self._connection.session
        name = request.headers.get("Session").partition(";")[0].strip()
        if not name:
            session = own
        else:
            session = self._streams.sessions.get(name)
            host = getattr(self._connection.transport.getPeer(), "host", None)
            if session is not None and session is not own and session.host != host:
                session = None
            if session is None:
                raise Refusal(454, "there is no such session")
        if session is None and not optional:
            raise Refusal(454, "there is no session: SETUP first")
        if session is not None:
            session.note_alive()
        return session

    def _note_alive(self, request: RtspRequest) -> RtspServerSession | None:
        """Note a sign of life of a session, if the request has one."""
        try:
            return self._find(request, optional=True)
        except Refusal:
            return None

    def _has_udp(self) -> bool:
        """True if packets may leave the connection: it is neither encrypted nor local to a file."""
        host = getattr(self._connection.transport.getPeer(), "host", None)
        return host is not None and not self._connection.is_tls

    def _respond(
        self,
        request: RtspRequest,
        status: int,
        *headers: tuple[str, str],
        body: bytes = b"",
        reason: str = "",
    ) -> None:
        response = self._response(request, status, *headers, body=body, reason=reason)
        self._connection.respond(response)

    def _response(
        self,
        request: RtspRequest,
        status: int,
        *headers: tuple[str, str],
        body: bytes = b"",
        reason: str = "",
    ) -> bytes:
        first = [] if request.cseq is None else [("CSeq", str(request.cseq))]
        if reason:
            reason = as_reason(f"{REASONS.get(status, 'Error')}: {reason}")
        fields = RtspHeaders([*first, ("Server", SERVER), *headers])
        return RtspResponse(status, fields, body, reason).encode()


def _session_header(session: RtspServerSession) -> tuple[str, str]:
    return "Session", f"{session.id};timeout={TIMEOUT}"


def _ignore(reason: str) -> None:
    """Do nothing: the track is only described."""
