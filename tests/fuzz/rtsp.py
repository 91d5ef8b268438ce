"""RTSP: any bytes, cut anywhere, give the same messages or a named error; so do RTP and RTCP.

The first byte says how the others are cut. Bodies are read as session descriptions, and frames of
even channels as RTP, by a receiver of each format, and those of odd channels as RTCP.
"""

from __future__ import annotations

from collections.abc import Iterator

from twistedcam.errors import WireError
from twistedcam.rtsp.digest import parse_credentials
from twistedcam.rtsp.formats import format_of
from twistedcam.rtsp.messages import (
    InterleavedFrame,
    RtspDecoder,
    RtspHeaders,
    RtspMessage,
    RtspRequest,
    RtspResponse,
)
from twistedcam.rtsp.payloads.unit import MAX_UNIT, AccessUnit
from twistedcam.rtsp.rtcp import ReceiverReport, RtcpBye, SenderReport, parse_rtcp
from twistedcam.rtsp.rtp import RtpPacket, parse_rtp
from twistedcam.rtsp.sdp import BadSdp, parse_sdp
from twistedcam.sources.rtsp.track_receiver import TrackReceiver

#: The largest body that is accepted.
_MAX_BODY = 1 << 16
_SDP = b"""v=0
o=- 0 0 IN IP4 127.0.0.1
s=cam
t=0 0
m=video 0 RTP/AVP 96
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LACtoKEflmoCGgqA==,aM48gA==
a=control:track1
m=video 0 RTP/AVP 97
a=rtpmap:97 H265/90000
a=control:track2
m=video 0 RTP/AVP 26
a=control:track3
m=audio 0 RTP/AVP 98
a=rtpmap:98 MPEG4-GENERIC/48000/2
a=fmtp:98 mode=AAC-hbr;config=1190;sizelength=13;indexlength=3;indexdeltalength=3
m=audio 0 RTP/AVP 99
a=rtpmap:99 opus/48000/2
m=audio 0 RTP/AVP 0
""".replace(b"\n", b"\r\n")


def check(data: bytes) -> None:
    """Read the bytes in one piece and in many."""
    step, data = (data[0] or 1, data[1:]) if data else (1, b"")
    whole, is_whole_good = read(data, len(data) or 1)
    pieces, are_pieces_good = read(data, step)
    # Where messages begin after bytes that are none is a guess.
    if is_whole_good and are_pieces_good:
        assert whole == pieces, "it matters how the bytes are cut"
    receivers = [_Received(media) for media in range(6)]
    for message in whole:
        if isinstance(message, InterleavedFrame):
            receivers[message.channel // 2 % 6].take(message)
            continue
        if isinstance(message, RtspRequest):
            assert message.method.isprintable()
            parse_credentials(message.headers.get("Authorization", ""))
        describe(message.body)
        again, is_good = read(message.encode(), 1 << 20)
        assert is_good and len(again) == 1


def read(data: bytes, step: int) -> tuple[list[RtspMessage], bool]:
    """Return the messages, and True if nothing else was there."""
    decoder, found = RtspDecoder(max_body=_MAX_BODY), list[RtspMessage]()
    try:
        for start in range(0, len(data), step):
            found += decoder.feed(data[start : start + step])
    except WireError as error:
        assert str(error).isprintable()
        return found, False
    return found, not decoder.skipped


def describe(body: bytes) -> None:
    """Read a session description, and what can be received of it."""
    try:
        session = parse_sdp(body)
        for media in session.media:
            form = format_of(media)
            if form is not None:
                assert form.clock_rate > 0
                form.make_depacketizer()
    except BadSdp as error:
        assert str(error).isprintable()


class _Received:
    """A receiver of one of the formats above."""

    def __init__(self, number: int) -> None:
        form = format_of(parse_sdp(_SDP).media[number])
        assert form is not None
        self.receiver = TrackReceiver(
            form, 1, "fuzz", lambda: 1.0, self._unit, lambda report: None, lambda: None
        )

    def take(self, message: InterleavedFrame) -> None:
        data = message.data
        if message.channel % 2:
            self.receiver.receive_rtcp(data, [(0, len(data))])
            try:
                list(parse_rtcp(data))
            except ValueError as error:
                assert str(error).isprintable()
        else:
            self.receiver.receive_rtp(data, [(0, len(data))])
            try:
                packet = parse_rtp(data)
                assert len(packet.payload) <= len(data)
            except ValueError as error:
                assert str(error).isprintable()
        assert self.receiver.report()

    def _unit(self, unit: AccessUnit) -> None:
        assert bool(unit.data) != bool(unit.fault)
        assert len(unit.data) <= 2 * MAX_UNIT


def seeds() -> Iterator[bytes]:
    """One message of each kind, and packets of each format."""
    fields = RtspHeaders([("CSeq", "1"), ("Session", "12345678"), ("Transport", "RTP/AVP/TCP")])
    login = RtspHeaders(
        [
            ("CSeq", "2"),
            ("Authorization", 'Digest username="a", realm="b", nonce="c", uri="d", response="e"'),
        ]
    )
    for method in ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "TEARDOWN"):
        yield b"\x03" + RtspRequest(method, "rtsp://h/cam", fields).encode()
    yield b"\x05" + RtspRequest("DESCRIBE", "rtsp://h/cam", login).encode()
    yield b"\x07" + RtspResponse(200, fields, _SDP).encode()
    payloads = (
        (
            96,
            b"\x67\x42\xc0\x0a",
            b"\x7c\x85\x88\x84",
            b"\x7c\x45\x00",
            b"\x18\0\2\x09\xf0\0\2\x65\x88",
        ),
        (97, b"\x40\x01\x0c", b"\x62\x01\x93\x80", b"\x62\x01\x53\x00"),
        (
            26,
            b"\0\0\0\0\1\x32\2\2" + bytes(20),
        ),
        (98, b"\0\x10\0\x20abcd"),
        (99, b"\xf8\xff\xfe"),
        (0, bytes(160)),
    )
    for track, (kind, *contents) in enumerate(payloads):
        frames = [
            InterleavedFrame(
                2 * track, RtpPacket(kind, at == len(contents) - 1, at, 3000, 7, payload).encode()
            ).encode()
            for at, payload in enumerate(contents)
        ]
        yield b"\xff" + b"".join(frames)
    reports = SenderReport(7, 1 << 60, 3000).encode() + RtcpBye((7,)).encode()
    yield b"\x09" + InterleavedFrame(1, reports + ReceiverReport(5).encode()).encode()
