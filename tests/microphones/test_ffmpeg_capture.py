"""Microphones of other systems are read by FFmpeg, in few pieces."""

from __future__ import annotations

import pytest

from twistedcam.microphones.ffmpeg_capture import FFmpegCapture
from twistedcam.microphones.piece_length import PieceLength


def test_ffmpeg_s_many_small_packets_become_few_pieces() -> None:
    """With a tone that FFmpeg makes: no other computer's microphone is here."""
    device = FFmpegCapture("lavfi", "sine=1000:duration=1:samples_per_frame=240")
    pieces = list(device.read(PieceLength()))
    device.close()
    assert (device.rate, device.channels) == (44_100, 1)
    assert [frame.samples for frame, _ in pieces] == [1920] * 22 + [1860]
    assert {(frame.sample_rate, frame.format.name) for frame, _ in pieces} == {(44_100, "s16")}
    assert [stamp for _, stamp in pieces] == pytest.approx(
        [number * 1920 / 44_100 for number in range(23)], abs=1e-6
    )


def test_a_kind_of_microphone_that_this_system_has_not_is_named() -> None:
    with pytest.raises(OSError, match="there is no nosuch on this system"):
        FFmpegCapture("nosuch", ":0")
