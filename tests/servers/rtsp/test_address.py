"""Addresses of streams and tracks, also in the forms that clients make of them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.errors import BadArgument
from twistedcam.servers.rtsp.address import USUAL, StreamAddress, parse_address

DOOR = "rtsp://cam:8554/door"


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        (DOOR, StreamAddress(DOOR, "door")),
        (f"{DOOR}/", StreamAddress(DOOR, "door")),
        ("rtsp://user:secret@cam:8554/door", StreamAddress(DOOR, "door")),
        ("rtsps://cam/door", StreamAddress("rtsps://cam/door", "door")),
        ("rtsp://cam:8554", StreamAddress("rtsp://cam:8554", None)),
        ("rtsp://cam:8554/", StreamAddress("rtsp://cam:8554", None)),
        ("rtsp://cam:8554/trackID=1", StreamAddress("rtsp://cam:8554", None, USUAL, 1)),
        (f"{DOOR}/trackID=0", StreamAddress(DOOR, "door", USUAL, 0)),
        (f"{DOOR}?codec=mjpeg", StreamAddress(f"{DOOR}?codec=mjpeg", "door", ("mjpeg",))),
        (f"{DOOR}?codec=H265", StreamAddress(f"{DOOR}?codec=H265", "door", ("hevc",))),
        (
            f"{DOOR}?size=640x360",
            StreamAddress(f"{DOOR}?size=640x360", "door", size=(640, 360)),
        ),
        # Clients append the track to the whole address, or resolve it.
        (
            f"{DOOR}?codec=mjpeg/trackID=0",
            StreamAddress(f"{DOOR}?codec=mjpeg", "door", ("mjpeg",), 0),
        ),
        (
            f"{DOOR}/trackID=1?codec=mjpeg",
            StreamAddress(f"{DOOR}?codec=mjpeg", "door", ("mjpeg",), 1),
        ),
        (f"{DOOR}?codec=mjpeg/", StreamAddress(f"{DOOR}?codec=mjpeg", "door", ("mjpeg",))),
        (
            "rtsp://cam:8554/front%20door",
            StreamAddress("rtsp://cam:8554/front%20door", "front door"),
        ),
    ],
)
def test_an_address_names_camera_codec_and_track(uri: str, found: StreamAddress) -> None:
    assert parse_address(uri) == found


def test_the_address_of_a_track_means_that_track() -> None:
    address = parse_address(f"{DOOR}?codec=mjpeg")
    assert address.track_url(1) == f"{DOOR}/trackID=1?codec=mjpeg"
    assert parse_address(address.track_url(1)).track == 1


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        (f"{DOOR}?codec=vp9", "one of h264, h265 and mjpeg, not 'vp9'"),
        (f"{DOOR}?size=big", "size='big' is not a size of pictures"),
        ("http://cam/door", "begins with rtsp://"),
        ("rtsp://[cam/door", "not valid"),
    ],
)
def test_another_address_is_refused_with_the_reason(uri: str, reason: str) -> None:
    with pytest.raises(BadArgument, match=reason):
        parse_address(uri)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_an_error(text: str) -> None:
    with contextlib.suppress(BadArgument):
        parse_address(f"rtsp://{text}")
