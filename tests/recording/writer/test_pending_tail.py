"""Pictures that a muxer still holds, as bytes behind the file."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import av
import pytest

from tests.support.films import timed_frames
from twistedcam.recording.containers import FORMATS
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.muxing import make_encoder
from twistedcam.recording.writer.pending_tail import PendingTail


@pytest.mark.parametrize("name", ["h264.mp4", "copy.mkv", "copy.mov"])
def test_a_header_and_the_tail_are_a_file_with_all_pictures(name: str) -> None:
    format, frames, written = FORMATS[name], timed_frames([0, 0.5, 1.25]), BytesIO()
    options = {**format.container.options, "flush_packets": "1"}
    if format.container.flush is None or name.endswith("mkv"):
        options = format.container.options
    container: Any = av.open(written, "w", format=format.container.muxer, options=options)
    stream, encoder = make_encoder(container, format, RecordSettings(), frames[0])
    container.start_encoding()
    tail, steps, packets = PendingTail(format.container, stream), [], []
    for each in frames:
        pts = round((each.pts - frames[0].pts) / 1e6 / format.container.time_base)
        packets.append(encoder.encode(each, pts))
        steps.append(float(pts * format.container.time_base))
    for packet in packets[:-1]:
        tail.mux_picture(packet)
    data = written.getvalue() + tail.render(packets[-1])
    with av.open(BytesIO(data)) as read:
        times = [
            float(packet.pts * packet.time_base) for packet in read.demux(video=0) if packet.size
        ]
    assert times == pytest.approx(steps, abs=0.001)


def test_only_what_the_muxer_has_not_written_is_left() -> None:
    format, frames = FORMATS["copy.mkv"], timed_frames([0, 1, 2])
    container: Any = av.open(BytesIO(), "w", format="matroska")
    stream, encoder = make_encoder(container, format, RecordSettings(), frames[0])
    container.start_encoding()
    tail = PendingTail(format.container, stream)
    for number, each in enumerate(frames[:2]):
        tail.mux_picture(encoder.encode(each, number * 1000))
    newest = encoder.encode(frames[2], 2000)
    all = tail.render(newest)
    tail.wrote()  # the second picture made it write the first one
    rest = tail.render(newest)
    assert [each.jpeg in all for each in frames] == [True, True, True]
    assert [each.jpeg in rest for each in frames] == [False, True, True]
