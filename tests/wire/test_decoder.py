"""The frame protocol's codec, on bytes alone."""

from __future__ import annotations

import json
import struct
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam import wire
from twistedcam.errors import BadMessage, TooLarge, WireError
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.wire.messages import FrameMessage

FRAME = Frame(7, 1_795_000_000_123_456, 640, 480, b"\xff\xd8 not looked into \xff\xd9")
#: The last time of capture that there is, as far as seconds in a float can tell.
LAST_TIME_US = 253_370_678_400_000_000 - 32
OTHER_ENCODINGS = ("utf-16", "utf-16-be", "utf-32", "utf-32-le")
MESSAGES: list[wire.Message] = [
    wire.Hello("twistedcam/1", ({"name": "cam", "state": "live"},), True, "ab" * 32),
    wire.Join("view", "garage", 12.5, 8, "00" * 32),
    wire.Join(codecs=("h264", "mjpeg")),
    wire.State("cam", "recovering", 640, 480, 30.0, "unplugged"),
    wire.Ack(2**63),
    wire.Ping(b"12345678"),
    wire.Pong(b"87654321"),
    wire.Error("busy", "ein Störenfried"),
    wire.Bye(),
    wire.Keyframe(),
    wire.Join("publish", keyframes=True),
]


def header(kind: int, length: int, mark: int = 0x54, reserved: int = 0) -> bytes:
    return struct.pack(">BBHI", mark, kind, reserved, length)


def json_message(kind: int, body: Any) -> bytes:
    text = json.dumps(body).encode()
    return header(kind, len(text)) + text


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_comes_back_as_it_was_sent(message: wire.Message) -> None:
    assert list(wire.Decoder().feed(message.encode())) == [message]


def test_a_frame_message_is_laid_out_as_documented() -> None:
    data = wire.frame_message(FRAME)
    assert data[:8] == header(4, 24 + len(FRAME.jpeg))
    assert struct.unpack(">QQHHBBH", data[8:32]) == (7, 1_795_000_000_123_456, 640, 480, 1, 0, 0)
    assert data[32:] == FRAME.jpeg


def test_a_frame_is_decoded_completely() -> None:
    [message] = wire.Decoder().feed(wire.frame_message(FRAME))
    assert isinstance(message, FrameMessage)
    frame = message.frame
    assert (frame.seq, frame.time_us, frame.width, frame.height) == (7, FRAME.time_us, 640, 480)
    assert frame.jpeg == FRAME.jpeg


def test_a_packet_of_another_codec_comes_back_as_it_was_sent() -> None:
    for codec, number in (("h264", 2), ("hevc", 3)):
        track = Track(0, "video", codec, 640, 480)
        sent = Packet(track, 7, FRAME.time_us, 5_000_000, b"\0\0\0\1data", True, 4_960_000)
        data = wire.frame_message(sent)
        assert struct.unpack(">QQHHBBH", data[8:32]) == (7, FRAME.time_us, 640, 480, number, 1, 400)
        [message] = wire.Decoder().feed(data)
        assert isinstance(message, FrameMessage)
        came = message.frame
        assert (came.seq, came.time_us, came.track, came.data) == (
            7,
            FRAME.time_us,
            track,
            sent.data,
        )
        assert (came.is_keyframe, came.pts - came.dts) == (True, 40_000)


def test_an_unknown_codec_is_one_clear_error() -> None:
    data = bytearray(wire.frame_message(FRAME))
    data[28] = 9
    with pytest.raises(BadMessage, match=r"frame 7 has codec 9.*1 is mjpeg, 2 is h264, 3 is hevc"):
        list(wire.Decoder().feed(bytes(data)))


def test_a_join_without_codecs_asks_for_jpeg() -> None:
    [join] = wire.Decoder().feed(json_message(2, {}))
    assert isinstance(join, wire.Join)
    assert join.codecs == ("mjpeg",)
    assert b"codecs" not in join.encode()
    for wrong in ([], "h264", [1], ["h264", None], {}):
        with pytest.raises(BadMessage, match="codecs"):
            list(wire.Decoder().feed(json_message(2, {"codecs": wrong})))


def test_a_state_has_the_codec_if_it_is_known() -> None:
    [state] = wire.Decoder().feed(wire.State("cam", "live", codec="h264").encode())
    assert isinstance(state, wire.State)
    assert state.codec == "h264"
    assert b"codec" not in wire.State("cam", "live").encode()


def test_the_last_time_of_capture_is_good_however_often_it_is_passed_on() -> None:
    time_us = LAST_TIME_US
    for _ in range(5):
        [message] = wire.Decoder().feed(wire.frame_message(Frame(1, time_us, 1, 1, b"")))
        assert isinstance(message, FrameMessage)
        time_us = round(message.frame.time * 1e6)
    datetime.fromtimestamp(time_us / 1e6, timezone(timedelta(hours=14)))


@given(st.data())
def test_messages_are_decoded_from_pieces_of_any_size(data: st.DataObject) -> None:
    stream = b"".join(message.encode() for message in MESSAGES)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    decoder, found = wire.Decoder(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += decoder.feed(stream[start:end])
    assert found == MESSAGES


def test_messages_are_decoded_byte_by_byte() -> None:
    decoder = wire.Decoder()
    stream = b"".join(message.encode() for message in MESSAGES)
    found = [message for byte in stream for message in decoder.feed(bytes([byte]))]
    assert found == MESSAGES


@given(st.binary(max_size=200))
def test_garbage_gives_messages_or_a_wire_error(garbage: bytes) -> None:
    try:
        list(wire.Decoder().feed(garbage))
    except WireError as error:
        assert error.code in ("bad-message", "too-large")


@given(st.sampled_from([1, 2, 3, 8]), st.binary(max_size=100))
def test_garbage_in_a_body_is_a_bad_message(kind: int, body: bytes) -> None:
    try:
        list(wire.Decoder().feed(header(kind, len(body)) + body))
    except WireError as error:
        assert error.code == "bad-message"


def test_the_reserved_field_is_ignored() -> None:
    assert list(wire.Decoder().feed(header(9, 0, reserved=0xFFFF))) == [wire.Bye()]


def test_unknown_keys_are_ignored() -> None:
    [join] = wire.Decoder().feed(json_message(2, {"role": "view", "colour": "red"}))
    assert join == wire.Join("view")


def test_null_means_the_same_as_leaving_a_key_out() -> None:
    body = {"role": None, "camera": None, "max_fps": None, "window": None, "auth": None}
    [join] = wire.Decoder().feed(json_message(2, body))
    assert join == wire.Join()


def test_an_empty_join_requests_the_first_camera() -> None:
    [join] = wire.Decoder().feed(json_message(2, {}))
    assert join == wire.Join("view", None, None, 2, None)


@pytest.mark.parametrize(
    "data",
    [
        b"G",
        header(10, 0),
        header(11, 1),
        header(0, 0),
        header(5, 7),
        header(6, 9),
        header(9, 1),
        header(4, 23),
        json_message(2, []),
        json_message(2, {"role": "steal"}),
        json_message(2, {"window": 9}),
        json_message(2, {"window": True}),
        json_message(2, {"window": "2"}),
        json_message(2, {"max_fps": 0}),
        json_message(2, {"max_fps": -1}),
        json_message(2, {"camera": 5}),
        json_message(2, {"auth": "secret"}),
        header(2, 3) + b"\xff\xfe{",
        header(2, 5) + b"\xef\xbb\xbf{}",
        *(header(2, len(body)) + body for body in ("{}".encode(each) for each in OTHER_ENCODINGS)),
        header(2, 25) + b'{"max_fps": NaN         }',
        header(4, 24) + struct.pack(">QQHHBBH", 1, 1, 1, 1, 4, 0, 0),
        header(4, 24) + struct.pack(">QQHHBBH", 1, 2**64 - 1, 1, 1, 1, 0, 0),
        header(4, 24) + struct.pack(">QQHHBBH", 1, LAST_TIME_US + 32, 1, 1, 1, 0, 0),
    ],
)
def test_invalid_bytes_are_a_bad_message(data: bytes) -> None:
    with pytest.raises(BadMessage):
        list(wire.Decoder().feed(data))


@pytest.mark.parametrize(("kind", "length"), [(2, 65537), (1, 2**32 - 1), (4, 32 * 2**20 + 1)])
def test_a_length_over_the_limit_is_refused_before_the_body_comes(kind: int, length: int) -> None:
    with pytest.raises(TooLarge):
        list(wire.Decoder().feed(header(kind, length)))


def test_a_length_of_the_limit_is_taken() -> None:
    longest = b'{"camera": "x"' + b" " * (wire.MAX_JSON - 15) + b"}"
    [join] = wire.Decoder().feed(header(2, len(longest)) + longest)
    assert (len(longest), join) == (65536, wire.Join(camera="x"))
    assert list(wire.Decoder().feed(header(4, 32 * 2**20))) == []


def test_a_server_can_set_a_smaller_limit_for_frames() -> None:
    with pytest.raises(TooLarge):
        list(wire.Decoder(max_frame=1000).feed(header(4, 1001)))


def test_messages_before_a_bad_one_are_still_given() -> None:
    feed = wire.Decoder().feed(wire.Ping().encode() + b"rubbish!")
    assert next(feed) == wire.Ping()
    with pytest.raises(BadMessage):
        next(feed)
