"""The packets of one track: their order, foreign ones, reports."""

from __future__ import annotations

from tests.support.rtsp_camera import IDR, SLICE, VIDEO
from twistedcam.rtsp.formats import format_of
from twistedcam.rtsp.payloads.unit import AccessUnit
from twistedcam.rtsp.rtcp import ReceiverReport, RtcpBye, SenderReport, parse_rtcp
from twistedcam.rtsp.rtp import RtpPacket
from twistedcam.sources.rtsp.track_receiver import TrackReceiver


class Received:
    """A receiver, and what it gives."""

    def __init__(self) -> None:
        form = format_of(VIDEO)
        assert form is not None
        self.now = 100.0
        self.units: list[AccessUnit] = []
        self.reports: list[SenderReport] = []
        self.ended = 0
        self.receiver = TrackReceiver(
            form, 5, "me", lambda: self.now, self.units.append, self.reports.append, self._end
        )

    def send(self, sequence: int, payload: bytes = SLICE, kind: int = 96, ssrc: int = 7) -> None:
        data = RtpPacket(kind, True, sequence, 3600 * sequence, ssrc, payload).encode()
        self.receiver.receive_rtp(b"before" + data + b"after", 6, 6 + len(data))

    def control(self, data: bytes) -> None:
        self.receiver.receive_rtcp(data, 0, len(data))

    def _end(self) -> None:
        self.ended += 1


def test_units_come_in_order_and_a_gap_is_a_fault() -> None:
    made = Received()
    made.send(65535, IDR)
    made.send(0)
    made.send(0)  # twice
    made.send(65535)  # late
    made.send(3)
    assert [bool(unit.fault) for unit in made.units] == [False, False, True, False]
    assert made.receiver.reception.lost == 0  # two of them came twice


def test_packets_of_other_types_are_left_out_once_the_type_is_known() -> None:
    made = Received()
    made.send(1, IDR, kind=98)  # the camera's description has another type
    made.send(2, IDR, kind=98)
    made.send(3, b"correction", kind=127)
    assert len(made.units) == 2


def test_what_is_no_packet_is_left_out() -> None:
    made = Received()
    for data in (b"", b"\x80short", bytes(20), b"\x9f" + bytes(11)):
        made.receiver.receive_rtp(data, 0, len(data))
    made.control(b"\x80\xc8\0\6")
    assert made.units == []


def test_a_report_says_what_arrived_and_the_sender_s_last_report() -> None:
    made = Received()
    (report, _) = parse_rtcp(made.receiver.report())
    assert report == ReceiverReport(5)
    made.send(1, IDR)
    made.send(4)
    made.control(SenderReport(7, 0x1234_5678_9ABC_DEF0, 0).encode())
    made.now += 0.5
    (report, _) = parse_rtcp(made.receiver.report())
    assert isinstance(report, ReceiverReport)
    (block,) = report.blocks
    assert (block.ssrc, block.lost, block.highest) == (7, 2, 4)
    assert (block.fraction_lost, block.last_sr, block.delay) == (128, 0x5678_9ABC, 32768)
    assert made.reports == [SenderReport(7, 0x1234_5678_9ABC_DEF0, 0)]


def test_a_goodbye_of_the_sender_is_the_end() -> None:
    made = Received()
    made.send(1, IDR)
    made.control(RtcpBye((99,)).encode())
    assert made.ended == 0
    made.control(RtcpBye((7,)).encode())
    assert made.ended == 1
