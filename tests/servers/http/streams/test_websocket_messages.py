"""The bytes of the messages of ``/live``."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import av
import pytest
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, TextMessage

from tests.support.nal_streams import stream_packets
from twistedcam.media.frame import Frame
from twistedcam.media.h264 import H264
from twistedcam.media.track import VIDEO, Track
from twistedcam.servers.http.streams.websocket_messages import (
    annexb_message,
    jpeg_message,
    mp4_message,
    track_messages,
)

PACKETS = stream_packets()
TRACK = PACKETS[0].track


def received(data: bytes) -> list[Any]:
    """The contents of messages, as another implementation of the protocol reads them."""
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(data)
    return [each.data for each in client.events() if isinstance(each, BytesMessage | TextMessage)]


@pytest.mark.parametrize("size", [0, 109, 110, 65519, 65520, 200_000])
def test_a_frame_of_any_size_is_one_message(size: int) -> None:
    (message,) = received(jpeg_message(Frame(7, 8, 640, 480, b"x" * size)))
    assert message == struct.pack("!QQ", 7, 8) + b"x" * size


def test_a_packet_has_flags_and_its_access_unit() -> None:
    for packet in PACKETS:
        (message,) = received(annexb_message(packet))
        seq, time_us, flags = struct.unpack_from("!QQB", message)
        assert (seq, time_us, flags) == (packet.seq, packet.time_us, int(packet.is_keyframe))
        assert message[17:] == packet.data


def test_a_track_is_described_before_its_packets() -> None:
    (text,) = received(track_messages(TRACK, "annexb"))
    codec = H264.sequence_parameters(PACKETS[0].data).codec_string
    assert json.loads(text) == {
        "codec": codec, "width": 128, "height": 96, "container": "annexb",
    }  # fmt: skip


def test_in_mp4_the_messages_are_a_film() -> None:
    text, first = received(track_messages(TRACK, "mp4"))
    assert json.loads(text)["container"] == "mp4"
    assert struct.unpack_from("!QQB", first) == (0, 0, 2)
    fragments = [received(mp4_message(packet))[0] for packet in PACKETS]
    assert [each[16] for each in fragments] == [1, 0, 0, 1, 0, 0]
    film = first[17:] + b"".join(each[17:] for each in fragments)
    with av.open(io.BytesIO(film), format="mp4") as container:
        frames = list(container.decode(video=0))
    assert [(frame.width, frame.pts) for frame in frames] == [
        (128, packet.pts) for packet in PACKETS
    ]


def test_a_track_without_valid_parameter_sets_is_refused() -> None:
    with pytest.raises(ValueError, match="parameter set"):
        track_messages(Track(VIDEO, "video", "h264", 640, 480), "annexb")
