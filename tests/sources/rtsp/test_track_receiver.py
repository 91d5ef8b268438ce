"""The packets of one track: their order, foreign ones, reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.rtsp_camera import IDR, SLICE, VIDEO
from twistedcam.media.nal import join_units
from twistedcam.rtsp.formats import Depacketizer, TrackFormat, format_of
from twistedcam.rtsp.messages import InterleavedFrame, RtspDecoder
from twistedcam.rtsp.payloads import h264, h265
from twistedcam.rtsp.payloads.h264 import H264Depacketizer
from twistedcam.rtsp.payloads.h265 import H265Depacketizer
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
        self.receiver.receive_rtp(b"before" + data + b"after", [(6, 6 + len(data))])

    def control(self, data: bytes) -> None:
        self.receiver.receive_rtcp(data, [(0, len(data))])

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
        made.receiver.receive_rtp(data, [(0, len(data))])
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


def test_channels_that_a_camera_uses_the_other_way_round_are_told_by_their_packets() -> None:
    made = Received()
    report = SenderReport(7, 0x1234_5678_9ABC_DEF0, 0)
    data = report.encode()
    made.receiver.receive_rtp(data, [(0, len(data))])
    assert made.receiver.payload_type == 96, "a report is no packet of another type"
    for sequence, payload in ((1, IDR), (2, SLICE)):
        made.control(RtpPacket(96, True, sequence, 3600 * sequence, 7, payload).encode())
    made.receiver.receive_rtp(data, [(0, len(data))])
    assert [bool(unit.data) for unit in made.units] == [True, True]
    assert made.reports == [report, report]


def test_a_goodbye_of_the_sender_is_the_end() -> None:
    made = Received()
    made.send(1, IDR)
    made.control(RtcpBye((99,)).encode())
    assert made.ended == 0
    made.control(RtcpBye((7,)).encode())
    assert made.ended == 1


def _nal(head: bytes, size: int, first_slice: bool = True) -> bytes:
    """A NAL unit of so many bytes, which begins a picture if its slice is the first."""
    return head + (b"\x88" if first_slice else b"\x11") + bytes(n % 251 for n in range(size))


_H264_PICTURE = (b"\x09\xf0", _nal(b"\x65", 700), _nal(b"\x65", 90, first_slice=False))
_H265_PICTURE = (b"\x46\x01\x50", _nal(b"\x26\x01", 700), _nal(b"\x26\x01", 90, first_slice=False))


def _payloads(codec: str) -> list[list[bytes]]:
    """The payloads of a few pictures, most of them fragments."""
    packetize, picture = {
        "h264": (h264.packetize, _H264_PICTURE),
        "hevc": (h265.packetize, _H265_PICTURE),
    }[codec]
    return [packetize(join_units(picture[: 2 + number % 2]), 60) for number in range(4)]


class _Change(NamedTuple):
    """What happens to one packet on its way, or before it was sent."""

    kind: str = "none"
    number: int = 0


def _packets(codec: str, changes: dict[int, _Change]) -> list[bytes]:
    """RTP packets of some pictures, some of them changed."""
    made: list[bytes] = []
    sequence = 65530  # begins again at 0
    for picture, payloads in enumerate(_payloads(codec)):
        for number, payload in enumerate(payloads):
            change = changes.get(len(made), _Change())
            is_last = number == len(payloads) - 1
            kind, time, ssrc, payload_ = 96, 3600 * picture, 7, payload
            match change.kind:
                case "other type":
                    kind = 97
                case "other time":
                    time += change.number
                case "other sender":
                    ssrc = 8
                case "other fragment":
                    payload_ = bytes((payload[0], payload[1] ^ change.number & 0xFF)) + payload[2:]
                case "cut":
                    payload_ = payload[: change.number % 5]
                case "marker":
                    is_last = not is_last
                case "jump":
                    sequence += change.number
                case "twice":
                    made.append(made[-1] if made else b"")
                case "padded":
                    packet = RtpPacket(kind, is_last, sequence, time, ssrc, payload + b"\0\2")
                    made.append(b"\xa0" + packet.encode()[1:])
                    sequence += 1
                    continue
            packet = RtpPacket(kind, is_last, sequence & 0xFFFF, time, ssrc, payload_)
            made.append(packet.encode())
            sequence += 1
    if any(each.kind == "swapped" for each in changes.values()):
        made[5], made[6] = made[6], made[5]
    return [each for at, each in enumerate(made) if changes.get(at, _Change()).kind != "lost"]


def _units(codec: str, data: bytes, sizes: Iterable[int]) -> tuple[list[AccessUnit], bytes]:
    """The access units of interleaved frames that arrive in pieces, and the receiver's report."""
    form = TrackFormat(codec, 96, 90000, make_depacketizer=_DEPACKETIZERS[codec])
    units: list[AccessUnit] = []
    receiver = TrackReceiver(form, 5, "me", lambda: 100.0, units.append, id, lambda: None)
    decoder = RtspDecoder(lambda channel, data, bounds: receiver.receive_rtp(data, bounds))
    at = 0
    for size in sizes:
        assert list(decoder.feed(data[at : at + size])) == []
        at += size
    assert list(decoder.feed(data[at:])) == []
    return units, receiver.report()


_DEPACKETIZERS: dict[str, Callable[[], Depacketizer]] = {
    "h264": H264Depacketizer,
    "hevc": H265Depacketizer,
}
_KINDS = ("other type", "other time", "other sender", "other fragment", "cut", "marker")
_CHANGES = st.dictionaries(
    st.integers(0, 60),
    st.builds(
        _Change,
        st.sampled_from((*_KINDS, "jump", "twice", "padded", "lost", "swapped")),
        st.integers(1, 400),
    ),
    max_size=4,
)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_the_units_are_the_same_wherever_the_bytes_are_split(codec: str) -> None:
    data = b"".join(InterleavedFrame(0, each).encode() for each in _packets(codec, {}))
    whole = _units(codec, data, [])
    assert [bool(unit.data) for unit in whole[0]] == [True] * 4
    picture = _H264_PICTURE if codec == "h264" else _H265_PICTURE
    assert whole[0][1].data == join_units(picture)
    assert _units(codec, data, [1] * len(data)) == whole
    for at in range(1, len(data)):
        assert _units(codec, data, [at]) == whole


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@given(changes=_CHANGES)
@example(changes={8: _Change("cut", 2)})
@example(changes={8: _Change("cut", 3)})
def test_packets_that_arrive_together_are_as_those_that_arrive_alone(
    codec: str, changes: dict[int, _Change]
) -> None:
    frames = [InterleavedFrame(0, each).encode() for each in _packets(codec, changes)]
    alone = _units(codec, b"".join(frames), [len(each) for each in frames])
    assert _units(codec, b"".join(frames), []) == alone
