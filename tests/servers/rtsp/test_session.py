"""Sessions: sound beside the pictures, reports of clients, and packets over UDP."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock

from tests.support.rtsp_peer import DOOR, TCP, RtspCase, RtspPeer
from twistedcam.media.packet import Packet
from twistedcam.media.track import AUDIO, Track
from twistedcam.rtsp.messages import InterleavedFrame, RtspResponse
from twistedcam.rtsp.rtcp import ReceiverReport, ReportBlock
from twistedcam.rtsp.rtp import parse_rtp
from twistedcam.rtsp.sdp import parse_sdp
from twistedcam.servers.rtsp.session import TIMEOUT
from twistedcam.servers.rtsp.streams import PORT_LINGER

MJPEG = f"{DOOR}?codec=mjpeg"
ULAW = Track(AUDIO, "audio", "pcm_mulaw", rate=Fraction(8000), channels=1)
UDP = "RTP/AVP;unicast;client_port=5000-5001"


class FakePort:
    """A UDP port that keeps what is sent."""

    def __init__(self, number: int, protocol: Any) -> None:
        self.number, self.protocol, self.is_open = number, protocol, True
        self.sent: list[tuple[bytes, Any]] = []

    def getHost(self) -> Any:
        self.port = self.number
        return self

    def getHandle(self) -> Any:
        return self

    def stopListening(self) -> None:
        self.is_open = False

    def setsockopt(self, *_: object) -> None:
        """Ignore it."""

    def getsockname(self) -> tuple[str, int]:
        return "127.0.0.1", self.number

    def sendto(self, data: bytes, address: Any) -> int:
        self.sent.append((data, address))
        return len(data)

    def sendmsg(self, buffers: list[bytes], _: Any, flags: int, address: Any) -> int:
        return self.sendto(b"".join(buffers), address)


class SessionTests(RtspCase):
    def setUp(self) -> None:
        super().setUp()
        self.ports: list[FakePort] = []
        reactor: Any = MemoryReactorClock()
        reactor.listenUDP = self.listen
        self.factory.streams.reactor = reactor

    def listen(self, number: int, protocol: Any, interface: str = "") -> FakePort:
        number = number or 40_000 + 10 * len(self.ports)
        if any(each.number == number and each.is_open for each in self.ports):
            raise CannotListenError(interface, number, OSError())
        self.ports.append(FakePort(number, protocol))
        return self.ports[-1]

    def speak(self, at_us: int, data: bytes = b"sound") -> None:
        """Publish sound of ``door``."""
        self.door.stream.publish(Packet(ULAW, 1, at_us, at_us, data))

    def play(self, transport: str, host: str = "127.0.0.1") -> tuple[RtspPeer, str]:
        peer = self.connect(host)
        session = peer.set_up(transport=transport)
        assert peer.ask("PLAY", MJPEG, Session=session).status == 200
        return peer, session

    # Over the connection.

    def test_sound_is_a_second_track_between_the_pictures(self) -> None:
        self.speak(1_001_000_000)
        peer = self.connect()
        media = parse_sdp(peer.ask("DESCRIBE", MJPEG).body).media
        assert [(each.kind, each.formats[0].encoding) for each in media] == [
            ("video", "JPEG"),
            ("audio", "PCMU"),
        ]
        session = peer.set_up()
        two = "RTP/AVP/TCP;unicast;interleaved=2-3"
        taken = "RTP/AVP/TCP;unicast;interleaved=1-2"
        sound = f"{DOOR}/trackID=1?codec=mjpeg"
        assert peer.ask("SETUP", sound, Transport=taken, Session=session).status == 461
        assert peer.ask("SETUP", sound, Transport=UDP, Session=session).status == 461
        response = peer.ask("SETUP", sound, Transport=two, Session=session)
        assert response.status == 200
        peer.request("PLAY", MJPEG, Session=session)
        response, *_ = peer.take()
        assert isinstance(response, RtspResponse)
        assert response.headers.get("RTP-Info").count("url=") == 2
        self.speak(1_001_020_000, b"one")
        self.show(2)
        self.speak(1_002_020_000, b"two")
        frames = peer.frames()
        heard = [parse_rtp(each.data).payload for each in frames if each.channel == 2]
        assert heard == [b"one", b"two"]
        assert frames[0].channel == 3  # the clock of the sound comes first
        assert frames[-1].channel == 2
        [viewer] = self.server.viewers
        assert viewer.frames == 2  # pictures

    def test_sound_may_be_set_up_before_the_video(self) -> None:
        self.speak(1_001_000_000)
        peer = self.connect()
        sound, video = (f"{DOOR}/trackID={number}?codec=mjpeg" for number in (1, 0))
        response = peer.ask("SETUP", sound, Transport=TCP)
        session = response.headers.get("Session").partition(";")[0]
        two = TCP.replace("0-1", "2-3")
        assert peer.ask("SETUP", video, Transport=two, Session=session).status == 200
        peer.request("PLAY", MJPEG, Session=session)
        response, *_ = peer.take()
        assert isinstance(response, RtspResponse)
        assert response.status == 200
        self.show(2)
        self.speak(1_003_020_000, b"one")
        frames = peer.frames()
        assert [parse_rtp(each.data).payload for each in frames if each.channel == 0] == [b"one"]
        assert any(each.channel == 2 for each in frames)

    def test_sound_does_not_wait_for_a_client_that_does_not_read(self) -> None:
        self.speak(1_001_000_000)
        peer = self.connect()
        session = peer.set_up()
        two = "RTP/AVP/TCP;unicast;interleaved=2-3"
        peer.ask("SETUP", f"{DOOR}/trackID=1?codec=mjpeg", Transport=two, Session=session)
        peer.ask("PLAY", MJPEG, Session=session)
        peer.transport.producer.pauseProducing()
        for number in range(200):
            self.speak(1_001_000_000 + number * 20_000, bytes(500))
        assert sum(len(each.data) for each in peer.frames()) < 20_000

    def test_a_client_tells_its_loss(self) -> None:
        peer, session = self.play("RTP/AVP/TCP;unicast;interleaved=0-1")
        [viewer] = self.server.viewers
        assert viewer.loss is None
        rtp = self.factory.streams.sessions[session].tracks[0].media.rtp
        assert rtp is not None
        for ssrc in (rtp.ssrc ^ 1, rtp.ssrc):
            report = ReceiverReport(5, (ReportBlock(ssrc, fraction_lost=64, lost=9),)).encode()
            peer.send(InterleavedFrame(1, report).encode())
            assert viewer.loss == (0.25 if ssrc == rtp.ssrc else None)
        peer.send(InterleavedFrame(1, b"no report").encode())
        assert viewer.loss == 0.25

    # Over UDP.

    def test_packets_go_to_the_ports_of_the_client_at_its_own_address(self) -> None:
        peer = self.connect("10.0.0.7")
        there = f"{UDP};destination=10.6.6.6"
        response = peer.ask("SETUP", f"{DOOR}/trackID=0?codec=mjpeg", Transport=there)
        transport = response.headers.get("Transport")
        assert "client_port=5000-5001;server_port=40000-40001" in transport
        assert not self.ports[0].sent  # nothing before PLAY
        session = response.headers.get("Session").partition(";")[0]
        assert peer.ask("PLAY", MJPEG, Session=session).status == 200
        self.show(2)
        assert {address for _, address in self.ports[0].sent} == {("10.0.0.7", 5000)}
        assert {address for _, address in self.ports[1].sent} == {("10.0.0.7", 5001)}
        assert peer.frames() == []
        assert [viewer.path for viewer in self.server.viewers] == ["udp"]

    def test_two_sessions_share_the_ports_and_not_an_address(self) -> None:
        self.play(UDP, "10.0.0.7")
        self.play(UDP, "10.0.0.8")
        assert len(self.ports) == 2
        peer = self.connect("10.0.0.7")
        response = peer.ask("SETUP", f"{DOOR}/trackID=0?codec=mjpeg", Transport=UDP)
        assert (response.status, "another session" in response.reason) == (453, True)
        assert len(self.factory.streams.sessions) == 2

    def test_a_session_goes_on_without_its_connection_as_long_as_reports_come(self) -> None:
        peer, session = self.play(UDP, "10.0.0.7")
        peer.protocol.connectionLost()
        assert len(self.server.connection_limiter) == 1  # it counts still
        report = ReceiverReport(5).encode()
        for seq in range(2, 12):
            self.clock.advance(TIMEOUT / 2)
            self.ports[1].protocol.datagramReceived(report, ("10.0.0.7", 5001))
            self.ports[0].sent.clear()
            self.show(seq)
            assert self.ports[0].sent
        again = self.connect("10.0.0.7")
        assert again.ask("GET_PARAMETER", Session=session).status == 200
        self.ports[1].protocol.datagramReceived(report, ("10.0.0.9", 5001))  # of another
        self.clock.pump([10] * 8)
        assert not self.factory.streams.sessions
        self.clock.advance(PORT_LINGER)
        assert not any(port.is_open for port in self.ports)
        assert len(self.server.viewers) == 0
        assert len(self.server.connection_limiter) == 0 or again.is_closed

    def test_packets_are_not_sent_to_the_server_itself(self) -> None:
        for first in (40_000, 40_001, 39_999):
            own = UDP.replace("5000-5001", f"{first}-{first + 1}")
            response = self.connect().ask("SETUP", f"{DOOR}/trackID=0?codec=mjpeg", Transport=own)
            assert (response.status, "port of this server" in response.reason) == (461, True)
        assert not self.factory.streams.sessions
        self.play(UDP.replace("5000-5001", "40000-40001"), "10.0.0.7")  # another machine's

    def test_a_client_that_comes_back_gets_its_ports_again(self) -> None:
        peer, before = self.play(UDP, "10.0.0.7")
        peer.protocol.connectionLost()
        self.ports[1].sent.clear()
        _, session = self.play(UDP, "10.0.0.7")
        assert before != session
        assert list(self.factory.streams.sessions) == [session]
        assert not any(b"\x81\xcb" in data for data, _ in self.ports[1].sent)  # no BYE
        assert len(self.server.viewers) == 1

    def test_teardown_and_the_end_of_the_server_release_the_ports(self) -> None:
        peer, session = self.play(UDP)
        assert peer.ask("TEARDOWN", MJPEG, Session=session).status == 200
        assert all(port.is_open for port in self.ports)  # another client may come
        self.clock.advance(PORT_LINGER)
        assert not any(port.is_open for port in self.ports)
        self.play(UDP)
        self.ports[-1].sent.clear()
        self.factory.close()
        assert not any(port.is_open for port in self.ports)
        assert len(self.ports[-1].sent) == 1  # BYE

    def test_pause_sends_nothing_and_play_goes_on(self) -> None:
        peer, session = self.play(UDP)
        assert peer.ask("PAUSE", MJPEG, Session=session).status == 200
        self.ports[0].sent.clear()
        self.show(2)
        assert not self.ports[0].sent
        assert peer.ask("PLAY", MJPEG, Session=session).status == 200
        assert self.ports[0].sent

    def test_an_address_that_cannot_be_reached_ends_the_session(self) -> None:
        peer, _ = self.play(UDP)

        def fail(*_: object) -> int:
            raise OSError(101, "Network is unreachable")

        self.ports[0].sendto = fail  # type: ignore[method-assign]
        self.show(2)
        assert not self.factory.streams.sessions
        assert peer.is_closed
