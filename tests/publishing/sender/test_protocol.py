"""Frames are read as they were written, and an incomplete frame is not."""

from __future__ import annotations

import io

import pytest

from twistedcam.publishing.sender.protocol import (
    FRAME_HEADER,
    SOUND,
    SentFrame,
    read_frames,
    report,
)

FRAMES = [
    SentFrame(0, 0, True, b"key"),
    SentFrame(1 << 40, 80_000, False, b""),
    SentFrame(1 << 41, 0, False, b"sound", True),
]


def written(frames: list[SentFrame]) -> bytes:
    return b"".join(
        FRAME_HEADER.pack(each.dts, each.reorder, kind, len(each.data)) + each.data
        for each in frames
        for kind in [SOUND if each.is_sound else each.is_keyframe]
    )


def test_frames_are_read_as_they_were_written() -> None:
    assert list(read_frames(io.BytesIO(written(FRAMES)))) == FRAMES


@pytest.mark.parametrize("missing", range(1, FRAME_HEADER.size + 3))
def test_an_incomplete_frame_is_dropped(missing: int) -> None:
    data = written(FRAMES[:1] * 2)
    assert list(read_frames(io.BytesIO(data[:-missing]))) == FRAMES[:1]


def test_a_report_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    report("live")
    assert capsys.readouterr().out == "live\n"
