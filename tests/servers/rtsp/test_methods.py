"""The methods of RTSP and their responses, as clients are known to use them."""

from __future__ import annotations

import pytest

from tests.support.fakes import OpeningMicrophone
from tests.support.rtsp_peer import DOOR, TCP, RtspCase, RtspPeer, basic, picture
from tests.support.sound import pcm_packets
from twistedcam.auth import Grant
from twistedcam.rtsp.messages import InterleavedFrame, RtspHeaders, RtspRequest, RtspResponse
from twistedcam.rtsp.rtp import parse_rtp
from twistedcam.rtsp.sdp import parse_sdp

MJPEG = f"{DOOR}?codec=mjpeg"


def split(dialogue: str) -> list[str]:
    """The requests of a dialogue that was recorded as text."""
    return [each.strip() + "\r\n\r\n" for each in dialogue.strip().split("\n\n")]


class MethodTests(RtspCase):
    def test_options_lists_the_methods_without_a_login(self) -> None:
        self.need_tokens()
        response = self.connect().ask("OPTIONS", "*")
        assert response.status == 200
        assert response.headers.get("Public") == (
            "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN"
        )

    def test_a_camera_of_jpegs_is_encoded_as_h264_once(self) -> None:
        peer = self.connect()
        peer.request("DESCRIBE", Accept="application/sdp")
        assert peer.take() == []  # the encoder has no picture yet
        self.show(2)
        [response] = peer.take()
        assert isinstance(response, RtspResponse)
        assert response.status == 200
        assert response.headers.get("Content-Type") == "application/sdp"
        assert response.headers.get("Content-Base") == f"{DOOR}/"
        [video] = parse_sdp(response.body).media
        assert video.formats[0].encoding == "H264"
        assert "sprop-parameter-sets" in video.formats[0].parameters
        self.connect().ask("DESCRIBE")
        assert len(self.door.stream.h264_transcoders) == 1

    def test_jpeg_is_sent_as_it_is_where_it_is_asked_for(self) -> None:
        peer = self.connect()
        [video] = parse_sdp(peer.ask("DESCRIBE", MJPEG).body).media
        assert video.formats[0].encoding == "JPEG"
        assert video.control == f"{DOOR}/trackID=0?codec=mjpeg"
        session = peer.set_up()
        peer.request("PLAY", MJPEG, Session=session, Range="npt=0.000-")
        self.show(2)
        response, *packets = peer.take()
        assert isinstance(response, RtspResponse)
        assert response.status == 200
        assert f"url={DOOR}/trackID=0?codec=mjpeg;seq=" in response.headers.get("RTP-Info")
        assert all(isinstance(each, InterleavedFrame) for each in packets)
        data = [parse_rtp(each.data) for each in packets if each.channel == 0]  # type: ignore[union-attr]
        assert {each.payload_type for each in data} == {26}
        assert sum(each.marker for each in data) == 2  # the newest picture, then the next

    def test_a_jpeg_that_rtp_cannot_carry_is_refused_with_the_reason(self) -> None:
        self.show(2, picture().replace(b"\xff\xc0", b"\xff\xc2"))
        response = self.connect().ask("DESCRIBE", MJPEG)
        assert response.status == 415
        assert "baseline" in response.reason

    def test_h265_of_a_camera_that_has_none_is_refused_with_the_reason(self) -> None:
        response = self.connect().ask("DESCRIBE", f"{DOOR}?codec=h265")
        assert (response.status, "door gives mjpeg" in response.reason) == (415, True)

    def test_a_stopped_camera_shows_why_it_gives_no_picture(self) -> None:
        peer = self.connect()
        yard = DOOR.replace("door", "yard")
        [video] = parse_sdp(peer.ask("DESCRIBE", yard).body).media
        assert video.formats[0].encoding == "H264"

    def test_what_does_not_exist_is_refused(self) -> None:
        peer = self.connect()
        for method, uri, status, reason in [
            ("DESCRIBE", "rtsp://cam/none", 404, "there is no camera 'none'"),
            ("DESCRIBE", f"{DOOR}?codec=vp9", 400, "one of h264, h265 and mjpeg"),
            ("ANNOUNCE", DOOR, 405, "ANNOUNCE is not possible here"),
            ("FLY", DOOR, 501, "FLY is not possible here"),
            ("PLAY", DOOR, 454, "SETUP first"),
            ("TEARDOWN", DOOR, 454, "SETUP first"),
        ]:
            response = peer.ask(method, uri)
            assert (response.status, reason in response.reason) == (status, True), response
        for track in (1, 7):  # the camera has no sound, and no camera has more than two tracks
            response = peer.ask("SETUP", f"{MJPEG}/trackID={track}", Transport=TCP)
            assert (response.status, f"no track {track}" in response.reason) == (404, True)
        assert peer.ask("DESCRIBE", MJPEG, Accept="text/html").status == 406
        assert peer.ask("DESCRIBE", MJPEG, Require="www.onvif.org/ver20/backchannel").status == 551
        assert peer.ask("DESCRIBE", MJPEG).status == 200  # nothing is lost

    def test_a_request_without_a_valid_number_is_refused_and_the_next_one_answered(self) -> None:
        peer = self.connect()
        for fields in ([], [("CSeq", "x")], [("CSeq", "-1")]):
            peer.send(RtspRequest("OPTIONS", "*", RtspHeaders(fields)).encode())
            [response] = peer.take()
            assert isinstance(response, RtspResponse)
            assert (response.status, "CSeq" in response.headers) == (400, False)
        peer._cseq = 100  # numbers need not follow each other
        assert peer.ask("OPTIONS", "*").status == 200

    def test_another_version_is_refused_and_the_next_request_is_answered(self) -> None:
        peer = self.connect()
        for method in ("OPTIONS", "DESCRIBE", "SETUP"):
            fields = RtspHeaders([("CSeq", "7")])
            peer.send(RtspRequest(method, MJPEG, fields, version="RTSP/2.0").encode())
            [response] = peer.take()
            assert isinstance(response, RtspResponse)
            assert (response.status, response.cseq) == (505, 7)
            assert "RTSP/1.0" in response.reason
        assert peer.ask("DESCRIBE", MJPEG).status == 200

    def test_parameters_keep_a_session_alive_and_unknown_ones_are_refused(self) -> None:
        peer = self.connect()
        session = peer.set_up()
        for method in ("GET_PARAMETER", "SET_PARAMETER", "OPTIONS"):
            self.clock.advance(50)
            assert peer.ask(method, Session=session).status == 200
        assert session in self.factory.streams.sessions
        response = peer.ask("GET_PARAMETER", body=b"packets_received\r\n", Session=session)
        assert (response.status, "packets_received" in response.reason) == (451, True)
        assert peer.ask("GET_PARAMETER", Session="none").status == 454

    def test_a_session_is_of_one_camera_and_one_kind_of_transport(self) -> None:
        peer = self.connect()
        peer.set_up()
        yard = f"{DOOR.replace('door', 'yard')}/trackID=0?codec=mjpeg"
        assert peer.ask("SETUP", yard, Transport=TCP).status == 459
        assert peer.ask("SETUP", f"{MJPEG}/trackID=0", Transport="RTP/AVP;multicast").status == 461
        assert peer.ask("SETUP", f"{MJPEG}/trackID=0").status == 400
        udp = "RTP/AVP;unicast;client_port=53-54"
        response = peer.ask("SETUP", f"{MJPEG}/trackID=0", Transport=udp)
        assert (response.status, "1024" in response.reason) == (461, True)

    def test_channels_are_those_that_the_client_wants(self) -> None:
        peer = self.connect()
        wanted = "RTP/AVP/TCP;unicast;interleaved=7-9"
        response = peer.ask("SETUP", f"{DOOR}/trackID=0?codec=mjpeg", Transport=wanted)
        assert "interleaved=7-8" in response.headers.get("Transport")
        session = response.headers.get("Session").partition(";")[0]
        peer.request("PLAY", MJPEG, Session=session)
        assert {each.channel for each in peer.frames()} == {7, 8}

    def test_a_paused_viewer_gets_nothing_until_it_plays_again(self) -> None:
        peer = self.connect()
        session = peer.set_up()
        peer.ask("PLAY", MJPEG, Session=session)
        assert len(self.server.viewers) == 1
        assert peer.ask("PAUSE", MJPEG, Session=session).status == 200
        assert len(self.server.viewers) == 0
        self.show(2)
        assert peer.frames() == []
        peer.request("PLAY", MJPEG, Session=session)
        self.show(3)
        assert isinstance(peer.take()[-1], InterleavedFrame)
        assert peer.ask("SETUP", f"{MJPEG}/trackID=0", Transport=TCP, Session=session).status == 455
        assert peer.ask("PLAY", MJPEG, Session=session).status == 200  # it plays already
        assert peer.ask("TEARDOWN", MJPEG, Session=session).status == 200
        assert peer.ask("PLAY", MJPEG, Session=session).status == 454
        assert not peer.is_closed
        assert not self.factory.streams.sessions

    def test_a_session_of_another_host_is_unknown(self) -> None:
        session = self.connect("10.0.0.1").set_up()
        for method in ("PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER"):
            assert self.connect("10.0.0.2").ask(method, Session=session).status == 454
        response = self.connect("10.0.0.1").ask("PLAY", Session=session)
        assert (response.status, "another connection" in response.reason) == (455, True)

    def test_another_connection_ends_a_session_and_keeps_its_own(self) -> None:
        peers = [self.connect(), self.connect()]
        sessions = [peer.set_up() for peer in peers]
        for peer, session in zip(peers, sessions, strict=True):
            peer.request("PLAY", MJPEG, Session=session)
            peer.take()
        one, other = peers
        other.request("PAUSE", MJPEG, Session=sessions[0])
        [response] = [each for each in other.take() if isinstance(each, RtspResponse)]
        assert (response.status, "another connection" in response.reason) == (455, True)
        self.show(2)
        assert one.frames()
        assert other.frames()
        other.request("TEARDOWN", MJPEG, Session=sessions[0])
        assert [each.status for each in other.take() if isinstance(each, RtspResponse)] == [200]
        assert one.is_closed
        self.show(3)
        assert other.frames()
        assert list(self.factory.streams.sessions) == [sessions[1]]

    def test_the_first_packet_is_the_one_that_was_announced(self) -> None:
        self.connect().ask("DESCRIBE", MJPEG)  # the track exists already
        peer = self.connect()
        peer.request("PLAY", MJPEG, Session=peer.set_up())
        response, *packets = peer.take()
        assert isinstance(response, RtspResponse)
        [*_, last] = packets  # the first picture is one packet
        assert isinstance(last, InterleavedFrame)
        first = parse_rtp(last.data)
        announced = f"seq={first.sequence};rtptime={first.timestamp}"
        assert response.headers.get("RTP-Info").endswith(announced)

    def test_a_token_needs_the_right_view_for_the_camera(self) -> None:
        self.need_tokens()
        peer = self.connect()
        response = peer.ask("DESCRIBE", MJPEG)
        assert response.status == 401
        assert response.headers.get("WWW-Authenticate") == 'Basic realm="twistedcam"'
        for name, status in [("desk", 403), ("neighbour", 403), ("viewer", 200), ("guest", 200)]:
            login = basic(self.tokens[name])
            assert self.connect().ask("DESCRIBE", MJPEG, Authorization=login).status == status
        # A camera that does not exist is not told from one that the token is not valid for.
        none = "rtsp://cam/none"
        login = basic(self.tokens["guest"])
        assert self.connect().ask("DESCRIBE", none, Authorization=login).status == 403
        # The login holds for the connection.
        assert peer.ask("DESCRIBE", MJPEG, Authorization=login).status == 200
        session = peer.set_up()
        assert peer.ask("PLAY", MJPEG, Session=session).status == 200
        assert self.connect().ask("TEARDOWN", MJPEG, Session=session).status == 401

    def test_sound_needs_the_right_listen(self) -> None:
        self.show(1)
        self.publish(pcm_packets(8_000, codec="pcm_alaw", seconds=0.1, start_us=1_001_000_000))
        kinds = [each.kind for each in parse_sdp(self.connect().ask("DESCRIBE", MJPEG).body).media]
        assert kinds == ["video", "audio"]
        self.need_tokens()
        for rights, expected in (({"view"}, 1), ({"view", "listen"}, 2)):
            grant = Grant("each", frozenset(rights))  # type: ignore[arg-type]
            peer = self.connect()
            peer.protocol.grant = grant
            assert len(parse_sdp(peer.ask("DESCRIBE", MJPEG).body).media) == expected

    def test_a_microphone_that_is_being_opened_is_waited_for(self) -> None:
        self.show(1)
        self.door.audio._microphone = OpeningMicrophone()  # type: ignore[assignment]
        peer = self.connect()
        peer.request("DESCRIBE", MJPEG)
        assert peer.take() == []
        self.publish(pcm_packets(8_000, codec="pcm_alaw", seconds=0.1, start_us=1_001_000_000))
        self.door.audio.on_microphone_state()
        [response] = peer.take()
        assert isinstance(response, RtspResponse)
        assert [each.kind for each in parse_sdp(response.body).media] == ["video", "audio"]

    def test_sound_that_rtp_cannot_carry_is_encoded(self) -> None:
        self.show(1)
        self.publish(pcm_packets(44_100, 2, seconds=0.1, start_us=1_001_000_000))
        described = parse_sdp(self.connect().ask("DESCRIBE", MJPEG).body).media
        assert described[1].formats[0].encoding == "MPEG4-GENERIC"


#: Requests as FFmpeg, live555 (VLC and others), go2rtc and GStreamer send them; Frigate and other
#: recorders use these libraries.
FFMPEG = """\
OPTIONS rtsp://cam.example:8554/door?codec=mjpeg RTSP/1.0\r
CSeq: 1\r
User-Agent: Lavf60.16.100

DESCRIBE rtsp://cam.example:8554/door?codec=mjpeg RTSP/1.0\r
Accept: application/sdp\r
CSeq: 2\r
User-Agent: Lavf60.16.100

SETUP rtsp://cam.example:8554/door/trackID=0?codec=mjpeg RTSP/1.0\r
Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r
CSeq: 3\r
User-Agent: Lavf60.16.100

PLAY rtsp://cam.example:8554/door?codec=mjpeg/ RTSP/1.0\r
Range: npt=0.000-\r
CSeq: 4\r
User-Agent: Lavf60.16.100\r
Session: SESSION

GET_PARAMETER rtsp://cam.example:8554/door?codec=mjpeg/ RTSP/1.0\r
CSeq: 5\r
User-Agent: Lavf60.16.100\r
Session: SESSION

TEARDOWN rtsp://cam.example:8554/door?codec=mjpeg/ RTSP/1.0\r
CSeq: 6\r
User-Agent: Lavf60.16.100\r
Session: SESSION
"""
LIVE555 = """\
OPTIONS rtsp://cam.example:8554/door?codec=mjpeg RTSP/1.0\r
CSeq: 2\r
User-Agent: LibVLC/3.0.6 (LIVE555 Streaming Media v2016.11.28)

DESCRIBE rtsp://cam.example:8554/door?codec=mjpeg RTSP/1.0\r
CSeq: 3\r
User-Agent: LibVLC/3.0.6 (LIVE555 Streaming Media v2016.11.28)\r
Accept: application/sdp

SETUP rtsp://cam.example:8554/door/trackID=0?codec=mjpeg RTSP/1.0\r
CSeq: 4\r
User-Agent: LibVLC/3.0.6 (LIVE555 Streaming Media v2016.11.28)\r
Transport: RTP/AVP/TCP;unicast;interleaved=0-1

PLAY rtsp://cam.example:8554/door?codec=mjpeg/ RTSP/1.0\r
CSeq: 5\r
User-Agent: LibVLC/3.0.6 (LIVE555 Streaming Media v2016.11.28)\r
Session: SESSION\r
Range: npt=0.000-

GET_PARAMETER rtsp://cam.example:8554/door?codec=mjpeg/ RTSP/1.0\r
CSeq: 6\r
User-Agent: LibVLC/3.0.6 (LIVE555 Streaming Media v2016.11.28)\r
Session: SESSION

TEARDOWN rtsp://cam.example:8554/door?codec=mjpeg/ RTSP/1.0\r
CSeq: 7\r
User-Agent: LibVLC/3.0.6 (LIVE555 Streaming Media v2016.11.28)\r
Session: SESSION
"""
GO2RTC = """\
OPTIONS rtsp://cam.example:8554/door?codec=mjpeg RTSP/1.0\r
CSeq: 1\r
User-Agent: go2rtc/1.9.2

DESCRIBE rtsp://cam.example:8554/door?codec=mjpeg RTSP/1.0\r
CSeq: 2\r
Accept: application/sdp\r
User-Agent: go2rtc/1.9.2

SETUP rtsp://cam.example:8554/door/trackID=0?codec=mjpeg RTSP/1.0\r
CSeq: 3\r
Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r
User-Agent: go2rtc/1.9.2

PLAY rtsp://cam.example:8554/door?codec=mjpeg RTSP/1.0\r
CSeq: 4\r
Session: SESSION\r
User-Agent: go2rtc/1.9.2

OPTIONS rtsp://cam.example:8554/door?codec=mjpeg RTSP/1.0\r
Session: SESSION\r
CSeq: 5

TEARDOWN rtsp://cam.example:8554/door?codec=mjpeg RTSP/1.0\r
CSeq: 6\r
Session: SESSION
"""
GSTREAMER = """\
OPTIONS rtsp://cam.example:8554/door?codec=mjpeg RTSP/1.0\r
CSeq: 1\r
User-Agent: GStreamer/1.22.0

DESCRIBE rtsp://cam.example:8554/door?codec=mjpeg RTSP/1.0\r
CSeq: 2\r
User-Agent: GStreamer/1.22.0\r
Accept: application/sdp

SETUP rtsp://cam.example:8554/door/trackID=0?codec=mjpeg RTSP/1.0\r
CSeq: 3\r
User-Agent: GStreamer/1.22.0\r
Transport: RTP/AVPF;unicast;client_port=0-1,RTP/AVP/TCP;unicast;interleaved=0-1

PLAY rtsp://cam.example:8554/door?codec=mjpeg RTSP/1.0\r
CSeq: 4\r
User-Agent: GStreamer/1.22.0\r
Range: npt=0-\r
Session: SESSION

TEARDOWN rtsp://cam.example:8554/door?codec=mjpeg RTSP/1.0\r
CSeq: 5\r
User-Agent: GStreamer/1.22.0\r
Session: SESSION
"""


class RecordedRequestTests(RtspCase):
    def check(self, dialogue: str) -> None:
        peer: RtspPeer = self.connect()
        session = ""
        for number, request in enumerate(split(dialogue)):
            peer.send(request.replace("SESSION", session).encode())
            found = peer.take()
            [response] = [each for each in found if isinstance(each, RtspResponse)]
            assert response.status == 200, (request, response)
            session = session or response.headers.get("Session").partition(";")[0]
            if request.startswith("PLAY"):
                assert any(isinstance(each, InterleavedFrame) for each in found)
                self.show(number + 2)
                assert peer.frames()
        assert len(self.server.viewers) == 0
        assert not self.factory.streams.sessions

    def test_ffmpeg_gets_video(self) -> None:
        self.check(FFMPEG)

    def test_live555_gets_video(self) -> None:
        self.check(LIVE555)

    def test_go2rtc_gets_video(self) -> None:
        self.check(GO2RTC)

    def test_gstreamer_gets_video(self) -> None:
        self.check(GSTREAMER)


@pytest.mark.parametrize("text", [FFMPEG, LIVE555, GO2RTC, GSTREAMER])
def test_each_recorded_dialogue_begins_with_options_and_ends_with_teardown(text: str) -> None:
    first, *_, last = split(text)
    assert first.startswith("OPTIONS ") and last.startswith("TEARDOWN ")
