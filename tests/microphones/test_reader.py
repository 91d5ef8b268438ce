"""A card whose clock is wrong gives sound that stays with the host's clock."""

from __future__ import annotations

import pytest

from tests.support.sound_card import SoundCard, heard_clicks
from twistedcam.microphones.reader import FFmpegCapture


@pytest.mark.parametrize("ppm", [800, -800])
def test_there_is_no_drift(ppm: float) -> None:
    found = heard_clicks(SoundCard(75, ppm))  # 60 ms of drift
    assert len(found) >= 72
    assert max(abs(at - round(at)) for at in found) < 0.006


def test_times_of_another_clock_are_brought_to_the_host_s() -> None:
    found = heard_clicks(SoundCard(5, 0, channels=2, epoch=1_000.0))
    assert found == pytest.approx([1.0, 2.0, 3.0, 4.0], abs=0.012)


def test_a_click_is_where_it_was() -> None:
    assert heard_clicks(SoundCard(4, 0)) == pytest.approx([1.0, 2.0, 3.0], abs=0.006)


def test_ffmpeg_s_many_small_packets_become_few_pieces() -> None:
    """With a tone that FFmpeg makes: no other computer's microphone is here."""
    device = FFmpegCapture("lavfi", "sine=1000:duration=1:samples_per_frame=240")
    pieces = list(device.read(0.04))
    device.close()
    assert (device.rate, device.channels, device.codec) == (44_100, 1, "pcm_s16le")
    assert [len(samples) for samples, _ in pieces] == [1920 * 2] * 22 + [1860 * 2]
    assert [stamp for _, stamp in pieces] == pytest.approx(
        [number * 1920 / 44_100 for number in range(23)], abs=1e-6
    )


def test_a_kind_of_microphone_that_this_system_has_not_is_named() -> None:
    with pytest.raises(OSError, match="there is no nosuch on this system"):
        FFmpegCapture("nosuch", ":0")
