"""Tests of tracks."""

from fractions import Fraction

import pytest

from twistedcam.media.track import AUDIO, VIDEO, Track


@pytest.mark.parametrize(
    ("track", "is_independent"),
    [
        (Track(VIDEO, "video", "mjpeg", 640, 480), True),
        (Track(VIDEO, "video", "h264", 640, 480), False),
        (Track(VIDEO, "video", "hevc", 640, 480), False),
        (Track(AUDIO, "audio", "aac", rate=Fraction(48_000), channels=2), True),
        (Track(AUDIO, "audio", "opus", rate=Fraction(48_000), channels=1), True),
    ],
)
def test_tracks_whose_packets_can_be_decoded_alone(track: Track, is_independent: bool) -> None:
    assert track.is_independent is is_independent


def test_a_track_with_other_parameter_sets_is_another_one() -> None:
    one = Track(VIDEO, "video", "h264", 640, 480, extradata=b"\0\0\0\1\x67a")
    assert one == Track(VIDEO, "video", "h264", 640, 480, extradata=b"\0\0\0\1\x67a")
    assert one != Track(VIDEO, "video", "h264", 640, 480, extradata=b"\0\0\0\1\x67b")
