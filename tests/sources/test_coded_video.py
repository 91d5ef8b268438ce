"""Packets of H.264 and H.265 from containers, as their encoder made them."""

from __future__ import annotations

import io
from typing import Any

import av
import pytest

from tests.support.films import timed_frames
from twistedcam.media.nal import split_units
from twistedcam.media.nal_codecs import NAL_CODECS
from twistedcam.sources import coded_video
from twistedcam.sources.coded_video import (
    ArrivalClock,
    CodedPacket,
    CodedVideo,
    with_decode_times,
)


def film(muxer: str, codec: str = "libx264", b_frames: int = 0) -> tuple[bytes, list[bytes]]:
    """A film of ten pictures in a container, and its slices as they were encoded."""
    file, slices = io.BytesIO(), []
    with av.open(file, "w", format=muxer) as container:
        stream: Any = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = 5, b_frames
        stream.codec_context.options = {"x265-params": "log-level=none", "bf": str(b_frames)}
        pictures = [av.VideoFrame.from_image(_image(each.jpeg)) for each in timed_frames(range(10))]
        for number, picture in enumerate([*pictures, None]):
            if picture is not None:
                picture.pts = number
            for packet in stream.encode(picture):
                slices.append(bytes(packet))
                container.mux(packet)
    return file.getvalue(), slices


def _image(jpeg: bytes) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(jpeg))


def read(data: bytes, muxer: str | None = None) -> list[CodedPacket]:
    with av.open(io.BytesIO(data), format=muxer) as container:
        coder = CodedVideo(container.streams.video[0])
        stream = container.streams.video[0]
        packets = with_decode_times(container.demux(stream), stream.average_rate)
        return [each for packet in packets if packet.size for each in coder.convert(packet)]


def picture_units(codec: str, data: bytes) -> list[bytes]:
    found = NAL_CODECS[codec]
    return [unit for unit in split_units(data) if found.unit_type(unit) in found.slice_types]


@pytest.mark.parametrize("muxer", ["mp4", "matroska", "flv", "mpegts"])
def test_packets_are_those_of_the_encoder_with_parameter_sets_before_key_frames(
    muxer: str,
) -> None:
    data, slices = film(muxer)
    packets = [each.packet for each in read(data)]
    assert len(packets) == 10
    assert [each.is_keyframe for each in packets] == [True, *[False] * 4] * 2
    codec = NAL_CODECS["h264"]
    for packet, encoded in zip(packets, slices, strict=True):
        assert picture_units("h264", packet.data) == picture_units("h264", encoded)
        assert codec.has_parameter_sets(packet.data) == packet.is_keyframe
    track = packets[0].track
    assert (track.codec, track.width, track.height) == ("h264", 160, 120)
    assert codec.has_parameter_sets(track.extradata)
    assert all(each.track is track for each in packets)


def test_h265_passes_as_well() -> None:
    packets = [each.packet for each in read(film("mp4", "libx265")[0])]
    assert len(packets) == 10
    assert packets[0].track.codec == "hevc"
    assert NAL_CODECS["hevc"].has_parameter_sets(packets[0].data)


def test_pictures_in_another_order_have_both_times() -> None:
    read_back = read(film("mp4", b_frames=2)[0])
    assert sorted(each.pts for each in read_back) != [each.pts for each in read_back]
    for each in read_back:
        assert each.pts is not None and each.dts is not None
        assert each.packet.reorder_us == round((each.pts - each.dts) * 1e6) >= 0
        assert each.packet.time <= 0, "none was captured after it has arrived"
    # The times of decoding are as far apart as they are in the container, from the first one on.
    leads = {round(each.packet.time - each.packet.reorder_us / 1e6, 6) for each in read_back}
    assert len(leads) == 1


def test_matroska_has_the_times_of_decoding_from_the_first_packet_on() -> None:
    one, other = (read(film(muxer, b_frames=2)[0]) for muxer in ("mp4", "matroska"))
    assert [(each.pts, each.dts) for each in other] == [(each.pts, each.dts) for each in one]


@pytest.mark.parametrize("count", [1, 2, 40])
def test_packets_without_any_time_of_decoding_pass(count: int) -> None:
    packets = [av.Packet(b"x") for _ in range(count)]
    for number, each in enumerate(packets):
        each.pts = number
    assert [*with_decode_times(iter(packets), None)] == packets
    assert all(each.dts is None for each in packets)


def test_a_stream_that_is_joined_in_the_middle_begins_with_a_key_frame() -> None:
    with av.open(io.BytesIO(film("mpegts")[0])) as container:
        stream = container.streams.video[0]
        packets = [each for each in container.demux(stream) if each.size]
        coder = CodedVideo(stream)
        assert [list(coder.convert(each)) for each in packets[2:5]] == [[], [], []]
        (first,) = coder.convert(packets[5])
        assert first.packet.is_keyframe


def test_after_a_packet_without_a_picture_the_next_key_frame_goes_on() -> None:
    with av.open(io.BytesIO(film("mpegts")[0])) as container:
        stream = container.streams.video[0]
        packets = [each for each in container.demux(stream) if each.size]
        coder = CodedVideo(stream)
        assert len(list(coder.convert(packets[0]))) == 1
        empty: Any = av.Packet(b"\0\0\0\1\x09\xf0")
        with pytest.raises(ValueError, match="cannot be decoded: its packet has none"):
            list(coder.convert(empty))
        coder.restart()
        with pytest.raises(ValueError, match="skipped up to the next key frame"):
            list(coder.convert(packets[3]))
        assert len(list(coder.convert(packets[5]))) == 1
        assert len(list(coder.convert(packets[6]))) == 1


def test_times_of_arrival_are_without_the_jitter_of_the_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(coded_video.time, "monotonic", lambda: now)
    monkeypatch.setattr(coded_video.time, "time", lambda: now + 1_000_000)
    clock, found = ArrivalClock(), []
    for stamp, late in [(5.0, 0.01), (5.04, 0.0), (5.08, 0.03), (5.12, 0.002)]:
        now = 100.0 + stamp + late
        found.append(round(clock.time_of(stamp) - 1_000_100, 3))
    assert found == [5.01, 5.04, 5.08, 5.12]
    now += 0.04
    assert clock.time_of(90.0) == now + 1_000_000, "another timeline"
    assert clock.time_of(None) == now + 1_000_000
