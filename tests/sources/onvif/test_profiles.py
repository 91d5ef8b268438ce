"""The profiles of a camera: which is the smaller stream for small pictures."""

from __future__ import annotations

import pytest

from twistedcam.sources.onvif.profiles import OnvifProfile, main_profiles, smaller_profile

MAIN = OnvifProfile("main", "Main", "H264", 1920, 1080, video_source="1")


def profile(token: str, codec: str, width: int, height: int, source: str = "1") -> OnvifProfile:
    return OnvifProfile(token, "", codec, width, height, video_source=source)


HALF, SMALL = profile("half", "H264", 1280, 720), profile("small", "H264", 640, 360)
TINY = profile("tiny", "H264", 176, 144)
SQUEEZED = profile("squeezed", "H264", 352, 288)


@pytest.mark.parametrize(
    ("others", "found"),
    [
        ([HALF, SMALL, TINY], "small"),
        ([HALF, TINY], "half"),
        ([TINY], None),
        ([], None),
        ([SQUEEZED, HALF], "half"),
        ([SQUEEZED], "squeezed"),
        ([profile("copy", "H264", 1920, 1080), profile("near", "H264", 1600, 900)], None),
        ([profile("unknown", "H264", 0, 0), profile("unknown", "", 640, 360)], None),
        ([profile("old", "MPEG4", 640, 360)], None),
        ([profile("hevc", "H265", 640, 360)], "hevc"),
        ([profile("jpeg", "JPEG", 640, 360), profile("hevc", "H265", 640, 360)], "hevc"),
        ([profile("jpeg", "JPEG", 640, 360), profile("hevc", "h265", 640, 360), SMALL], "small"),
        ([profile("other", "H264", 640, 360, "2")], None),
        ([profile("edge", "JPEG", 320, 180)], "edge"),
        ([profile("below", "JPEG", 319, 179)], None),
    ],
)
def test_the_smallest_useful_profile_of_the_same_picture_is_found(
    others: list[OnvifProfile], found: str | None
) -> None:
    for profiles in ([MAIN, *others], [*reversed(others), MAIN]):
        chosen = smaller_profile(profiles, MAIN, (1920, 1080))
        assert (None if chosen is None else chosen.token) == found


def test_a_picture_that_is_turned_has_the_same_smaller_stream() -> None:
    assert smaller_profile([MAIN, SQUEEZED, HALF], MAIN, (1080, 1920)) == HALF
    upright = profile("upright", "H264", 360, 640)
    assert smaller_profile([MAIN, upright], MAIN, (1080, 1920)) == upright


def test_the_real_size_of_the_picture_counts() -> None:
    """The main profile of another source may be that of a smaller stream."""
    assert smaller_profile([MAIN, SMALL], MAIN, (640, 360)) is None


def test_a_recorder_has_a_main_profile_for_each_of_its_cameras() -> None:
    second = profile("second", "H264", 1280, 720, "2")
    assert main_profiles([MAIN, SMALL, second, profile("b", "H264", 640, 360, "2")]) == [
        MAIN,
        second,
    ]
