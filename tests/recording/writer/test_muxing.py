"""Packets of a file, from JPEGs and from a transcoder."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import av
import pytest

from tests.support.films import changed, h264_packets, timed_frames
from twistedcam.errors import NotSupported
from twistedcam.media.packet import Packet
from twistedcam.recording.containers import FORMATS, Format
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.muxing import make_encoder


def open_encoder(format: Format, first: Packet) -> tuple[Any, Any, Any]:
    container: Any = av.open(BytesIO(), "w", format=format.container.muxer)
    return container, *make_encoder(container, format, RecordSettings(), first)


def test_jpegs_are_copied_unchanged() -> None:
    frame = timed_frames([0])[0]
    container, stream, encoder = open_encoder(FORMATS["copy"], frame)
    packet = encoder.encode(frame, 40)
    assert (bytes(packet), packet.pts, packet.is_keyframe) == (frame.jpeg, 40, True)
    assert (stream.width, stream.height, stream.codec_context.name) == (160, 120, "mjpeg")
    assert encoder.encode(changed(frame, jpeg=b""), 80) is None
    encoder.close()
    container.close()


def test_h264_has_a_key_frame_every_two_seconds_and_none_of_a_broken_picture() -> None:
    frames = timed_frames([n / 2 for n in range(10)])
    container, _, encoder = open_encoder(FORMATS["h264"], frames[0])
    packets = [encoder.encode(each, number * 45_000) for number, each in enumerate(frames)]
    assert [each.pts for each in packets] == [number * 45_000 for number in range(10)]
    assert [n for n, each in enumerate(packets) if each.is_keyframe] == [0, 4, 8]
    assert encoder.encode(changed(frames[0], jpeg=b"\xff\xd8 no \xff\xd9"), 450_000) is None
    encoder.close()
    container.close()


@pytest.mark.parametrize("name", ["auto", "h264", "copy", "copy.mov"])
def test_coded_packets_are_copied_unchanged(name: str) -> None:
    packets = h264_packets([0, 0.1, 0.2])
    _, stream, encoder = open_encoder(FORMATS[name], packets[0])
    assert (stream.codec_context.width, stream.codec_context.height) == (160, 120)
    for pts, each in enumerate(packets):
        packet = encoder.encode(each, pts)
        assert (bytes(packet), packet.pts, packet.dts) == (each.data, pts, pts)
        assert packet.is_keyframe == each.is_keyframe
    encoder.close()


def test_pictures_that_are_sent_in_another_order_keep_both_times() -> None:
    first = h264_packets([0])[0]
    packet = Packet(first.track, 1, first.time_us, first.pts + 80_000, first.data, dts=first.dts)
    _, _, encoder = open_encoder(FORMATS["auto"], packet)
    made = encoder.encode(packet, 900)
    assert (made.dts, made.pts) == (900, 900 + 7200)
    encoder.close()


def test_a_size_that_x264_refuses_is_not_supported() -> None:
    frame = changed(timed_frames([0])[0], width=20_000, height=2)
    with pytest.raises(NotSupported, match=r"20000x2 cannot be encoded as H\.264"):
        open_encoder(FORMATS["h264"], frame)
