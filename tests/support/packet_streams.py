"""The stream of a camera that encodes H.264, for tests that decode nothing."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IReactorTime

from tests.support.fakes import InlineThread
from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.events import EventBus
from twistedcam.media.packet import Packet
from twistedcam.media.track import VIDEO, Track
from twistedcam.stream.stream import Stream

H264_TRACK = Track(VIDEO, "video", "h264", 64, 48)


def make_stream(clock: IReactorTime | None = None) -> Stream:
    """A stream whose transcoders work at once."""
    thread: Any = InlineThread
    return Stream("cam", clock, thread, EventBus(), JpegEncoder)


def packet(seq: int, is_keyframe: bool = False, track: Track = H264_TRACK) -> Packet:
    """A packet of 100 bytes, at 25 packets a second."""
    time_us = 10**15 + seq * 40_000
    return Packet(track, seq, time_us, time_us, bytes(100), is_keyframe)


def show(stream: Stream, keys: list[bool], first: int = 1) -> None:
    """Publish packets, of which some are key frames."""
    for number, is_keyframe in enumerate(keys):
        stream.publish(packet(first + number, is_keyframe))


def serialize_packet(packet: Packet) -> bytes:
    """The wire form for tests: the sequence number in 8 bytes, then the data."""
    return packet.seq.to_bytes(8, "big") + packet.data
