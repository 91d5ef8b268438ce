"""Packets of a file, from JPEGs and from a transcoder."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import av
import pytest

from tests.support.films import timed_frames
from twistedcam.codecs.h264_encoder import H264Encoder, H264Settings
from twistedcam.errors import NotSupported
from twistedcam.media.timed_frame import TimedFrame
from twistedcam.recording.containers import FORMATS, Format
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.muxing import make_encoder


def open_encoder(format: Format, first: TimedFrame) -> tuple[Any, Any, Any]:
    container: Any = av.open(BytesIO(), "w", format=format.container.muxer)
    return container, *make_encoder(container, format, RecordSettings(), first)


def test_jpegs_are_copied_unchanged() -> None:
    frame = timed_frames([0])[0]
    container, stream, encoder = open_encoder(FORMATS["copy"], frame)
    packet = encoder.encode(frame, 40)
    assert (bytes(packet), packet.pts, packet.is_keyframe) == (frame.jpeg, 40, True)
    assert (stream.width, stream.height, stream.codec_context.name) == (160, 120, "mjpeg")
    assert encoder.encode(frame._replace(jpeg=b""), 80) is None
    encoder.close()
    container.close()


def test_h264_has_a_key_frame_every_two_seconds_and_none_of_a_broken_picture() -> None:
    frames = timed_frames([n / 2 for n in range(10)])
    container, _, encoder = open_encoder(FORMATS["h264"], frames[0])
    packets = [encoder.encode(each, number * 45_000) for number, each in enumerate(frames)]
    assert [each.pts for each in packets] == [number * 45_000 for number in range(10)]
    assert [n for n, each in enumerate(packets) if each.is_keyframe] == [0, 4, 8]
    assert encoder.encode(frames[0]._replace(jpeg=b"\xff\xd8 no \xff\xd9"), 450_000) is None
    encoder.close()
    container.close()


def test_packets_of_a_transcoder_are_copied_unchanged() -> None:
    coder = H264Encoder(H264Settings(), 160, 120)
    frames = [
        each._replace(packet=(coder.encode(each.jpeg, n * 9000, n == 0) or [])[0])
        for n, each in enumerate(timed_frames([0, 0.1, 0.2]))
    ]
    _, stream, encoder = open_encoder(FORMATS["h264"], frames[0])
    assert (stream.codec_context.width, stream.codec_context.height) == (160, 120)
    for pts, each in enumerate(frames):
        packet = encoder.encode(each, pts)
        assert each.packet is not None
        assert (bytes(packet), packet.pts) == (each.packet.data, pts)
        assert packet.is_keyframe == each.packet.is_keyframe
    encoder.close()


def test_a_size_that_x264_refuses_is_not_supported() -> None:
    frame = timed_frames([0])[0]._replace(width=20_000, height=2)
    with pytest.raises(NotSupported, match=r"20000x2 cannot be encoded as H\.264"):
        open_encoder(FORMATS["h264"], frame)
