"""The connection: answers by their numbers, garbage, requests of the camera."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import HostnameAddress
from twisted.internet.error import (
    ConnectingCancelledError,
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
    DNSLookupError,
)
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.support.rtsp_camera import VIDEO
from twistedcam.errors import CameraFailed
from twistedcam.rtsp.formats import format_of
from twistedcam.rtsp.messages import (
    InterleavedFrame,
    RtspDecoder,
    RtspHeaders,
    RtspRequest,
    RtspResponse,
)
from twistedcam.rtsp.payloads.unit import AccessUnit
from twistedcam.sources.rtsp.connection import TIMEOUT, RtspConnection, reason_of
from twistedcam.sources.rtsp.track_receiver import TrackReceiver

_FRAMES = st.builds(
    lambda channel, data: InterleavedFrame(channel, data).encode(),
    st.integers(0, 1),
    st.one_of(
        st.binary(max_size=40),
        st.binary(max_size=30).map(lambda data: b"\x80\x60" + data),
        st.binary(max_size=30).map(lambda data: b"\x80\xc8\0\6" + data),
    ),
)


class Transport(StringTransport):
    """A transport that notes its end."""

    aborted = False

    def setTcpKeepAlive(self, enabled: bool) -> None:
        pass

    def abortConnection(self) -> None:
        self.aborted = True


def numbered(status: int, number: int | None) -> bytes:
    fields = [] if number is None else [("CSeq", str(number))]
    return RtspResponse(status, RtspHeaders(fields)).encode()


class ConnectionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.errors: list[CameraFailed] = []
        self.connection = RtspConnection(self.clock, "h:554", self.errors.append)
        self.transport = Transport()
        self.transport.setTcpNoDelay = lambda _: None  # type: ignore[attr-defined]
        self.connection.makeConnection(self.transport)

    def ask(self) -> Any:
        return self.connection.request("OPTIONS", "*")

    def test_answers_belong_to_the_requests_of_their_numbers(self) -> None:
        first, second, third = self.ask(), self.ask(), self.ask()
        self.connection.dataReceived(numbered(202, 2) + numbered(299, 77) + numbered(201, None))
        self.assertEqual(self.successResultOf(second).status, 202)
        self.assertEqual(self.successResultOf(first).status, 201)
        self.assertNoResult(third)
        self.connection.dataReceived(numbered(200, 2))
        self.assertNoResult(third)
        self.connection.dataReceived(numbered(200, 3))
        self.successResultOf(third)

    def test_an_answer_with_a_wrong_number_is_that_of_the_only_request(self) -> None:
        for number in (0, 999):
            asked = self.ask()
            self.connection.dataReceived(numbered(200, number))
            self.successResultOf(asked)
        self.connection.dataReceived(numbered(200, 5))
        self.assertEqual(self.errors, [], "an answer that nobody waits for")

    def test_no_answer_in_time_is_a_failure(self) -> None:
        asked = self.ask()
        self.clock.advance(TIMEOUT + 0.1)
        error = self.failureResultOf(asked, CameraFailed).value
        self.assertEqual(str(error), "h:554: nothing came for 5 s")
        self.connection.dataReceived(numbered(200, 1))

    def test_packets_go_to_their_channels(self) -> None:
        found: list[bytes] = []
        self.connection.receivers[3] = lambda data, bounds: found.extend(
            data[at:end] for at, end in bounds
        )
        data = InterleavedFrame(3, b"abc").encode() + InterleavedFrame(4, b"def").encode()
        for at in range(len(data)):
            self.connection.dataReceived(data[at : at + 1])
        self.assertEqual(found, [b"abc"])
        self.connection.send_packet(1, b"xyz")
        self.assertEqual(self.transport.value(), b"$\1\0\3xyz")

    def test_garbage_is_skipped_and_too_much_of_it_ends_the_connection(self) -> None:
        asked = self.ask()
        with capturedLogs() as logs:
            self.connection.dataReceived(bytes(100) + numbered(200, 1))
            self.connection.dataReceived(bytes(100))
        self.successResultOf(asked)
        self.assertEqual([each["camera"] for each in logs], ["h:554"], "one line")
        asked = self.ask()
        self.connection.dataReceived(bytes(3 << 20))
        self.assertTrue(self.transport.aborted)
        self.failureResultOf(asked, CameraFailed)
        self.assertIn("h:554 sends no valid RTSP", str(self.errors[0]))
        self.connection.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(len(self.errors), 1)

    def test_requests_of_the_camera_are_answered(self) -> None:
        number = RtspHeaders([("CSeq", "9")])
        for method, status in (("OPTIONS", 200), ("SET_PARAMETER", 200), ("RECORD", 501)):
            self.transport.clear()
            self.connection.dataReceived(RtspRequest(method, "*", number).encode())
            (answer,) = RtspDecoder().feed(self.transport.value())
            assert isinstance(answer, RtspResponse)
            self.assertEqual((answer.status, answer.cseq), (status, 9))
        self.assertEqual(self.errors, [])
        fields = [("CSeq", "10"), ("Location", "rtsp://other/")]
        self.connection.dataReceived(RtspRequest("REDIRECT", "*", RtspHeaders(fields)).encode())
        self.assertEqual(
            str(self.errors[0]), "h:554 has ended the stream and refers to rtsp://other/"
        )

    def test_a_flood_of_requests_ends_the_connection(self) -> None:
        asked = RtspRequest("OPTIONS", "*").encode()
        self.connection.dataReceived(asked * 100)
        self.clock.advance(11)
        self.connection.dataReceived(asked * 100)
        self.assertEqual(self.errors, [])
        self.connection.dataReceived(asked * 100)
        self.assertEqual([str(each) for each in self.errors], ["h:554 sends too many requests"])
        self.assertEqual(self.transport.value().count(b"RTSP/1.0 200"), 200)

    def test_the_end_fails_what_is_under_way(self) -> None:
        asked = self.ask()
        self.connection.connectionLost(Failure(ConnectionLost()))
        self.failureResultOf(asked, CameraFailed)
        self.assertEqual([str(each) for each in self.errors], ["h:554: the connection was lost"])
        self.failureResultOf(self.ask(), CameraFailed)
        self.successResultOf(self.connection.close())

    def test_closing_sends_the_last_request_and_is_no_failure(self) -> None:
        closed = self.connection.close(self.connection.next_request("TEARDOWN", "*"))
        self.assertIn(b"TEARDOWN", self.transport.value())
        self.assertTrue(self.transport.disconnecting)
        self.assertNoResult(closed)
        self.clock.advance(2)
        self.assertTrue(self.transport.aborted, "a camera that takes no bytes is not waited for")
        self.connection.connectionLost(Failure(ConnectionDone()))
        self.successResultOf(closed)
        self.assertEqual(self.errors, [])


@given(st.lists(st.one_of(st.binary(max_size=60), _FRAMES), max_size=20))
def test_bytes_of_any_kind_never_raise(pieces: list[bytes]) -> None:
    clock, errors = Clock(), list[CameraFailed]()
    connection = RtspConnection(clock, "h", errors.append)
    transport = Transport()
    transport.setTcpNoDelay = lambda _: None  # type: ignore[attr-defined]
    connection.makeConnection(transport)
    units: list[AccessUnit] = []
    form = format_of(VIDEO)
    assert form is not None
    receiver = TrackReceiver(form, 1, "me", clock.seconds, units.append, id, lambda: None)
    connection.receivers[0], connection.receivers[1] = receiver.receive_rtp, receiver.receive_rtcp
    for piece in pieces:
        connection.dataReceived(piece)
    assert all(bool(unit.data) != bool(unit.fault) for unit in units)


def test_reasons_are_those_of_the_system() -> None:
    assert reason_of(Failure(ConnectionRefusedError(111))) == "Connection refused"
    assert reason_of(Failure(OSError(113, "x"))) == "No route to host"
    assert reason_of(Failure(ValueError("a\nb"))) == "a b"
    assert reason_of(Failure(DNSLookupError("x"))) == "no computer of this name was found"
    address = HostnameAddress(b"h", 554)
    assert reason_of(Failure(ConnectingCancelledError(address))) == "nothing came for 5 s"
