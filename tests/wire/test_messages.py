"""The encoding of messages, byte by byte."""

from __future__ import annotations

import json

import pytest

from twistedcam import Frame, wire
from twistedcam.media.packet import Packet
from twistedcam.media.sound_config import sound_track
from twistedcam.rtsp.payloads.opus import opus_head
from twistedcam.wire.messages import frame_header


@pytest.mark.parametrize(
    ("message", "data"),
    [
        (wire.Ack(1), "54 05 0000 00000008 0000000000000001"),
        (wire.Ping(b"abcdefgh"), "54 06 0000 00000008 6162636465666768"),
        (wire.Pong(b"abcdefgh"), "54 07 0000 00000008 6162636465666768"),
        (wire.Bye(), "54 09 0000 00000000"),
        (wire.Keyframe(), "54 0b 0000 00000000"),
    ],
)
def test_a_message_has_a_header_of_eight_bytes(message: wire.Message, data: str) -> None:
    assert message.encode() == bytes.fromhex(data)


def test_json_is_utf_8_without_spaces() -> None:
    data = wire.Error("busy", "größer").encode()
    assert data == bytes.fromhex("54 08 0000 00000024") + data[8:]
    assert data[8:].decode() == '{"code":"busy","message":"größer"}'


def test_a_join_has_no_key_for_what_it_does_not_use() -> None:
    assert set(json.loads(wire.Join().encode()[8:])) == {
        "protocol",
        "role",
        "camera",
        "max_fps",
        "window",
    }
    full = json.loads(wire.Join(mac="ab", clock=True, keyframes=True).encode()[8:])
    assert (full["auth"], full["clock"], full["keyframes"]) == ({"mac": "ab"}, True, True)


def test_a_state_without_a_title_has_no_such_key() -> None:
    assert "title" not in json.loads(wire.State("cam", "live").encode()[8:])
    assert json.loads(wire.State("cam", "live", title="Door").encode()[8:])["title"] == "Door"


def test_a_ping_carries_a_clock_in_microseconds() -> None:
    ping = wire.clock_ping(1_700_000_000.25)
    assert int.from_bytes(ping.data, "big") == 1_700_000_000_250_000
    assert wire.clock_of(ping) == 1_700_000_000.25


def test_the_header_precedes_the_jpeg_and_the_name_is_the_protocol_s() -> None:
    frame = Frame(1, 2, 3, 4, b"jpeg")
    assert wire.frame_message(frame) == frame_header(frame) + b"jpeg"
    assert len(frame_header(frame)) == 32
    assert wire.name_of(wire.FrameMessage(frame)) == "FRAME"


def test_sound_is_laid_out_as_documented() -> None:
    track = sound_track("opus", opus_head(1))
    packet = Packet(track, 7, 1_700_000_000_000_000, 0, b"opus")
    head = "54 04 0000 0000001c 0000000000000007 00060a24181e4000 0000 0000 11 00 0000"
    assert wire.frame_message(packet) == bytes.fromhex(head) + b"opus"
    head = "54 04 0000 0000002b 0000000000000000 0000000000000000 0000 0000 11 02 0000"
    assert wire.configuration_message(track) == bytes.fromhex(head) + opus_head(1)
