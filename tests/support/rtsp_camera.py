"""A scripted RTSP camera on this machine, and a listener that notes what a source delivers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol

from tests.support.process import PATIENCE
from twistedcam.errors import CameraFailed
from twistedcam.rtsp.digest import Challenger, parse_credentials
from twistedcam.rtsp.formats import h264_parameters
from twistedcam.rtsp.messages import (
    InterleavedFrame,
    RtspDecoder,
    RtspHeaders,
    RtspRequest,
    RtspResponse,
)
from twistedcam.rtsp.rtcp import SenderReport, ntp_of_unix_us
from twistedcam.rtsp.rtp import RtpPacket
from twistedcam.rtsp.sdp import MediaDescription, MediaFormat, SessionDescription, parse_parameters
from twistedcam.sources.base import RawPacket, RawPicture, SourceInfo
from twistedcam.sources.rtsp.source import RtspSource

reactor: Any = installed
USER, PASSWORD = "görg", "pa:ss@wört"
LOGIN = "g%C3%B6rg:pa%3Ass%40w%C3%B6rt@"
#: Parameter sets of x264: 320x240 and 640x480 at 25 a second, and 320x240 with B-frames.
SPS = bytes.fromhex("6742c00dd90141fb011000000300100000030320f142a480")
LARGE_SPS = bytes.fromhex("6742c01ed900a03db011000003000100000300320f162e48")
B_SPS = bytes.fromhex("674d400deca0a0fd80880000030008000003019078a14cb0")
PPS = bytes.fromhex("68cb83cb20")
B_PPS = bytes.fromhex("68ebe3cb20")
IDR, SLICE = b"\x65\x88key frame", b"\x41\x9apicture"
VIDEO = MediaDescription(
    "video",
    (MediaFormat(96, "H264", 90000, 1, h264_parameters([SPS, PPS])),),
    attributes=(("control", "video"),),
)
ALAW = MediaDescription(
    "audio", (MediaFormat(8, "PCMA", 8000),), attributes=(("control", "audio"),)
)
#: 90,000ths of a second between two pictures.
PERIOD = 3600


def annexb(*nals: bytes) -> bytes:
    """NAL units with start codes."""
    return b"".join(b"\0\0\0\1" + nal for nal in nals)


class RtspCamera(Factory):
    """A camera that answers as it is told.

    Arguments:
        media: its tracks.
        schemes: of the log-in; none: it needs none.
    """

    noisy = False

    def __init__(
        self, *media: MediaDescription, schemes: tuple[str, ...] = (), context: Any = None
    ) -> None:
        self.description = SessionDescription(media or (VIDEO,), attributes=(("control", "*"),))
        self.challenger = Challenger("cam", reactor.seconds, schemes) if schemes else None
        self.context = context
        #: By method: makes an answer in place of the usual one, or returns None.
        self.answers: dict[str, Callable[[RtspRequest], RtspResponse | None]] = {}
        self.public = "DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"
        self.session = "12345678;timeout=60"
        self.takes_udp = True
        self.requests: list[RtspRequest] = []
        self.clients: list[Client] = []
        self._port: Any = None
        self._waiting: list[tuple[str, Deferred[Client]]] = []

    def listen(self, port: int = 0) -> None:
        """Take connections on 127.0.0.1."""
        if self.context is None:
            self._port = reactor.listenTCP(port, self, interface="127.0.0.1")
        else:
            self._port = reactor.listenSSL(port, self, self.context, interface="127.0.0.1")

    @property
    def port(self) -> int:
        """Its port."""
        found: int = self._port.getHost().port
        return found

    def url(self, login: str = "", scheme: str = "rtsp") -> str:
        """Its address."""
        return f"{scheme}://{login}127.0.0.1:{self.port}/cam"

    @property
    def methods(self) -> list[str]:
        """The methods of the requests so far."""
        return [each.method for each in self.requests]

    def requested(self, method: str) -> Deferred[Client]:
        """Fire when the next request of that method was answered."""
        found: Deferred[Client] = Deferred()
        self._waiting.append((method, found))
        return found.addTimeout(PATIENCE, reactor)

    async def close(self) -> None:
        """Close the port and all connections."""
        for client in list(self.clients):
            await client.close()
        if self._port is not None:
            await self._port.stopListening()

    def buildProtocol(self, addr: Any) -> Client:
        return Client(self)

    def note(self, request: RtspRequest, client: Client) -> None:
        """Fire what waits for a request."""
        due = [each for each in self._waiting if each[0] == request.method]
        self._waiting = [each for each in self._waiting if each[0] != request.method]
        for _, found in due:
            found.callback(client)


class Client(Protocol):
    """One connection to the camera."""

    def __init__(self, camera: RtspCamera) -> None:
        self._camera = camera
        self._decoder = RtspDecoder()
        self._sequences = [65533, 0]
        #: Interleaved packets that the client has sent.
        self.packets: list[InterleavedFrame] = []
        #: UDP ports of the client, by track, and those of the camera.
        self.client_ports: dict[int, tuple[int, int]] = {}
        self.udp: list[Any] = []
        self.closed: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        self._camera.clients.append(self)

    def connectionLost(self, reason: Any = None) -> None:
        self._camera.clients.remove(self)
        for port in self.udp:
            port.stopListening()
        self.closed.callback(None)

    async def close(self) -> None:
        self.transport.abortConnection()
        await self.closed

    def dataReceived(self, data: bytes) -> None:
        for message in self._decoder.feed(data):
            if isinstance(message, InterleavedFrame):
                self.packets.append(message)
            elif isinstance(message, RtspRequest):
                self._camera.requests.append(message)
                answer = self._answer(message)
                cseq = ("CSeq", message.headers.get("CSeq"))
                headers = RtspHeaders([cseq, *answer.headers.fields])
                self.transport.write(
                    RtspResponse(answer.status, headers, answer.body, answer.reason).encode()
                )
                self._camera.note(message, self)

    def send(self, track: int, time: int, payload: bytes, marker: bool = True) -> None:
        """Send an RTP packet."""
        packet = self.packet(track, time, payload, marker)
        if track in self.client_ports:
            self.udp[2 * track].write(packet, ("127.0.0.1", self.client_ports[track][0]))
        else:
            self.transport.write(InterleavedFrame(2 * track, packet).encode())

    def packet(self, track: int, time: int, payload: bytes, marker: bool = True) -> bytes:
        """The next RTP packet of a track."""
        form = self._camera.description.media[track].formats[0]
        number = self._sequences[track] = self._sequences[track] + 1 & 0xFFFF
        return RtpPacket(
            form.payload_type, marker, number, time & 0xFFFFFFFF, 7 + track, payload
        ).encode()

    def skip(self, track: int = 0) -> None:
        """Lose a packet."""
        self._sequences[track] += 1

    def report(self, track: int, time: int, unix: float) -> None:
        """Send a sender report: the RTP time was at that UNIX time."""
        report = SenderReport(7 + track, ntp_of_unix_us(round(unix * 1e6)), time).encode()
        self.transport.write(InterleavedFrame(2 * track + 1, report).encode())

    def _answer(self, request: RtspRequest) -> RtspResponse:
        camera = self._camera
        if camera.challenger is not None and not self._is_right(request):
            fields = [("WWW-Authenticate", each) for each in camera.challenger.challenges()]
            return RtspResponse(401, RtspHeaders(fields))
        made = camera.answers.get(request.method, lambda _: None)(request)
        if made is not None:
            return made
        if request.method == "OPTIONS":
            return RtspResponse(200, RtspHeaders([("Public", camera.public)]))
        if request.method == "DESCRIBE":
            return RtspResponse(200, RtspHeaders(), camera.description.encode())
        session = ("Session", camera.session)
        if request.method == "SETUP":
            return RtspResponse(200, RtspHeaders([session, ("Transport", self._set_up(request))]))
        return RtspResponse(200, RtspHeaders([session]))

    def _is_right(self, request: RtspRequest) -> bool:
        found = parse_credentials(request.headers.get("Authorization"))
        challenger = self._camera.challenger
        assert challenger is not None
        return (
            found is not None
            and challenger.is_ours(found)
            and found.user == USER
            and found.match(PASSWORD, request.method)
        )

    def _set_up(self, request: RtspRequest) -> str:
        transport = request.headers.get("Transport")
        ports = parse_parameters(transport).get("client_port")
        if ports is None:
            return transport
        first, second = map(int, ports.split("-"))
        track = len(self.client_ports)
        self.client_ports[track] = (first, second)
        self.udp += [_listen_udp(), _listen_udp()]
        mine = "-".join(str(each.getHost().port) for each in self.udp[-2:])
        return f"{transport};server_port={mine}"


def _listen_udp() -> Any:
    return reactor.listenUDP(0, DatagramProtocol(), interface="127.0.0.1")


class Listener:
    """Notes what a source delivers (ReactorSourceListener)."""

    def __init__(self) -> None:
        self.info: SourceInfo | None = None
        self.raws: list[RawPacket | RawPicture] = []
        self.corrupt: list[str] = []
        self.sound_faults: list[str] = []
        self.error: CameraFailed | None = None
        self._waiting: list[tuple[Callable[[], object], Deferred[None]]] = []

    def on_opened(self, granted: SourceInfo) -> None:
        assert self.info is None
        self.info = granted
        self._check()

    def on_raw(self, raw: RawPicture | RawPacket) -> None:
        assert self.info is not None
        self.raws.append(raw)
        self._check()

    def on_corrupt(self, reason: str) -> None:
        assert self.info is not None
        self.corrupt.append(reason)
        self._check()

    def on_sound_fault(self, reason: str) -> None:
        self.sound_faults.append(reason)
        self._check()

    def on_failed(self, error: CameraFailed) -> None:
        assert self.error is None
        self.error = error
        self._check()

    @property
    def packets(self) -> list[RawPacket]:
        """The packets of video."""
        found = [each for each in self.raws if isinstance(each, RawPacket)]
        return [each for each in found if each.track.kind == "video"]

    @property
    def sounds(self) -> list[RawPacket]:
        """The packets of sound."""
        found = [each for each in self.raws if isinstance(each, RawPacket)]
        return [each for each in found if each.track.kind == "audio"]

    def until(self, is_true: Callable[[], object], seconds: float = PATIENCE) -> Deferred[None]:
        """Fire as soon as something is true."""
        found: Deferred[None] = Deferred()
        self._waiting.append((is_true, found))
        found.addTimeout(seconds, reactor)
        self._check()
        return found

    def failed(self) -> Deferred[None]:
        """Fire when the source has failed."""
        return self.until(lambda: self.error)

    def _check(self) -> None:
        due = [each for each in self._waiting if each[0]()]
        self._waiting = [each for each in self._waiting if each not in due]
        for _, found in due:
            found.callback(None)


def started(url: str, transport: str = "tcp", verify: bool = True) -> tuple[RtspSource, Listener]:
    """A source that was started, and its listener."""
    source, listener = RtspSource(url, transport, verify, reactor), Listener()
    source.start(listener)
    return source, listener
