"""Connections to the RTSP port: what is no RTSP, what is silent, what floods, and the end."""

from __future__ import annotations

import random
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from tests.support.rtsp_peer import DOOR, RtspCase, RtspPeer, basic
from twistedcam.net.connection_limits import ConnectionLimiter, ConnectionLimits
from twistedcam.rtsp.messages import InterleavedFrame, RtspResponse
from twistedcam.servers.rtsp.server import FIRST_LIMIT, IDLE_LIMIT

MJPEG = f"{DOOR}?codec=mjpeg"


def status(peer: RtspPeer) -> int:
    """The status of the only response."""
    [response] = [each for each in peer.take() if isinstance(each, RtspResponse)]
    return response.status


class ConnectionTests(RtspCase):
    def playing(self, host: str = "127.0.0.1") -> RtspPeer:
        peer = self.connect(host)
        peer.ask("PLAY", MJPEG, Session=peer.set_up())
        return peer

    def test_half_requests_are_put_together(self) -> None:
        peer = self.connect()
        for byte in f"DESCRIBE {MJPEG} RTSP/1.0\r\nCSeq: 9\r\n\r\n".encode():
            assert peer.take() == []
            peer.send(bytes([byte]))
        assert status(peer) == 200

    def test_requests_that_come_together_are_answered_in_their_order(self) -> None:
        peer = self.connect()
        for _ in range(50):
            peer.request("DESCRIBE", MJPEG)
        self.clock.pump([0.001] * 200)
        responses = [each for each in peer.take() if isinstance(each, RtspResponse)]
        assert [each.cseq for each in responses] == list(range(1, 51))
        assert {each.status for each in responses} == {200}

    def test_what_is_no_rtsp_gets_one_error_and_the_end(self) -> None:
        for data in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01" * 400, b"hello\r\n" * 9):
            peer = self.connect()
            peer.send(data)
            assert status(peer) == 400
            assert peer.is_closed
            peer.send(data)
            assert peer.take() == []

    def test_a_head_that_is_too_large_gets_one_error_and_the_end(self) -> None:
        peer = self.connect()
        peer.send(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n" + b"X: y\r\n" * 300 + b"\r\n")
        assert status(peer) == 413
        assert peer.is_closed
        peer = self.connect()
        peer.send(b"SET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 99999\r\n\r\n")
        assert status(peer) == 413

    def test_packets_on_channels_that_do_not_exist_are_ignored(self) -> None:
        peer = self.playing()
        with capturedLogs() as logs:
            for channel in (2, 77, 255):
                peer.send(InterleavedFrame(channel, b"\x80" * 40).encode())
        assert len([each for each in logs if each.get("channel")]) == 1
        self.show(2)
        assert peer.frames()
        assert peer.ask("GET_PARAMETER").status == 200

    def test_a_connection_without_a_request_that_is_answered_is_closed(self) -> None:
        silent, asking = self.connect(), self.connect()
        assert asking.ask("OPTIONS", "*").status == 200
        assert asking.ask("DESCRIBE", MJPEG).status == 200
        self.clock.advance(FIRST_LIMIT)
        assert (status(silent), silent.is_closed, asking.is_closed) == (408, True, False)
        self.clock.advance(IDLE_LIMIT)
        assert asking.is_closed

    def test_a_playing_session_needs_no_other_sign_of_life_than_its_connection(self) -> None:
        peer = self.playing()
        for seq in range(2, 40):
            self.clock.advance(10)
            self.show(seq)
        assert peer.frames()
        assert not peer.is_closed

    def test_a_session_that_does_not_play_ends_when_it_is_silent(self) -> None:
        peer = self.connect()
        peer.set_up()
        self.clock.pump([5] * 20)
        assert not self.factory.streams.sessions
        assert peer.is_closed

    def test_limits_refuse_connections_with_the_reason(self) -> None:
        self.server.connection_limiter = ConnectionLimiter(ConnectionLimits(connections=1))
        self.factory.connections.limiter = self.server.connection_limiter
        self.connect()
        second = self.connect()
        [response] = second.take()
        assert isinstance(response, RtspResponse)
        assert (response.status, "1 connections" in response.reason) == (453, True)
        assert second.is_closed

    def test_a_viewer_is_listed_and_can_be_disconnected(self) -> None:
        peer = self.playing("10.1.2.3")
        [viewer] = self.server.viewers
        assert (viewer.kind, viewer.camera, viewer.address) == ("rtsp", "door", "10.1.2.3:4711")
        assert viewer.path == "write"
        peer.take()
        gone = self.server.viewers.kick(viewer.id)
        self.successResultOf(gone)
        [bye] = peer.frames()
        assert bye.channel == 1
        assert peer.is_closed

    def test_a_viewer_that_does_not_read_its_answers_is_not_read_either(self) -> None:
        peer = self.connect()
        peer.transport.producer.pauseProducing()
        peer.request("OPTIONS", "*")
        peer.request("OPTIONS", "*")
        assert peer.take() == []
        peer.transport.producer.resumeProducing()
        self.clock.pump([0] * 4)
        assert len(peer.take()) == 2

    def test_the_end_of_the_server_ends_all_connections(self) -> None:
        peers = [self.connect(), self.playing()]
        ended: Deferred[None] = self.factory.close()
        assert all(peer.is_closed for peer in peers)
        self.assertNoResult(ended)
        for peer in peers:
            peer.protocol.connectionLost()
        self.successResultOf(ended)
        assert len(self.server.viewers) == 0

    def test_a_lost_connection_leaves_nothing_behind(self) -> None:
        peer = self.playing()
        peer.protocol.connectionLost()
        assert len(self.server.viewers) == 0
        assert not self.factory.streams.sessions
        self.clock.advance(60)  # the track lingers for a while
        assert not self.factory.streams._tracks
        assert not self.door.stream.is_wanted
        assert len(self.server.connection_limiter) == 0

    def test_the_end_of_a_token_ends_its_session(self) -> None:
        self.need_tokens()
        peer = self.connect()
        peer.ask("DESCRIBE", MJPEG, Authorization=basic(self.tokens["viewer"]))
        peer.ask("PLAY", MJPEG, Session=peer.set_up())
        file = self.with_tokens._file
        assert file is not None
        file.remove("viewer")
        self.clock.pump([1] * 4)
        assert peer.is_closed
        assert len(self.server.viewers) == 0

    def test_an_internal_error_ends_its_connection_only(self) -> None:
        peer, other = self.connect(), self.connect()
        with patch("twistedcam.servers.rtsp.methods.describe", side_effect=ZeroDivisionError):
            peer.request("DESCRIBE", MJPEG)
        assert status(peer) == 500
        assert peer.is_closed
        assert other.ask("DESCRIBE", MJPEG).status == 200
        assert len(self.flushLoggedErrors(ZeroDivisionError)) == 1


class FuzzTests(RtspCase):
    @given(st.lists(st.binary(max_size=80), max_size=10), st.randoms(use_true_random=False))
    @settings(max_examples=30)
    def test_any_bytes_between_requests_end_in_an_answer(
        self, pieces: list[bytes], chance: random.Random
    ) -> None:
        peer = self.connect()
        peer.request("OPTIONS", "*")
        for each in pieces:
            peer.send(each)
            if chance.random() < 0.5:
                peer.request("DESCRIBE", MJPEG)
        self.clock.pump([0] * 20)
        found = peer.take()
        assert all(isinstance(each, RtspResponse) for each in found)
        assert not self.flushLoggedErrors()
        peer.protocol.connectionLost()

    @given(
        st.text(max_size=40), st.text(max_size=40), st.sampled_from(["SETUP", "PLAY", "DESCRIBE"])
    )
    @settings(max_examples=30)
    def test_any_header_gets_one_response(self, transport: str, session: str, method: str) -> None:
        peer = self.connect()
        line = f"{method} {MJPEG} RTSP/1.0\r\nCSeq: 1\r\n"
        clean = [text.replace("\r", "").replace("\n", "") for text in (transport, session)]
        line += f"Transport: {clean[0]}\r\nSession: {clean[1]}\r\n\r\n"
        peer.send(line.encode("utf-8", "surrogatepass"))
        [response] = peer.take()
        assert isinstance(response, RtspResponse)
        assert not self.flushLoggedErrors()
        peer.protocol.connectionLost()
