"""Addresses: what is sent has no password, and a redirect leads to no other server."""

from __future__ import annotations

import pytest

from twistedcam.errors import CameraFailed
from twistedcam.sources.rtsp.address import RtspAddress


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rtsp://h/cam", RtspAddress("rtsp://h/cam", False, "h", 554)),
        ("RTSPS://h", RtspAddress("rtsps://h", True, "h", 322)),
        (
            "rtsp://me:p%40ss@10.0.0.7:8554/a?b=c&d=1",
            RtspAddress("rtsp://10.0.0.7:8554/a?b=c&d=1", False, "10.0.0.7", 8554, "me", "p@ss"),
        ),
        ("rtsp://me@[fe80::1]:9/x", RtspAddress("rtsp://[fe80::1]:9/x", False, "fe80::1", 9, "me")),
        ("rtsp://h/a b/é%20", RtspAddress("rtsp://h/a%20b/%C3%A9%20", False, "h", 554)),
    ],
)
def test_an_address_is_read(url: str, expected: RtspAddress) -> None:
    assert RtspAddress.parse(url) == expected


@pytest.mark.parametrize("url", ["http://h/", "rtsp:", "rtsp:///x", "rtsp://h:x/", "rtsp://["])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        RtspAddress.parse(url)


def test_a_redirect_keeps_the_log_in() -> None:
    address = RtspAddress.parse("rtsp://me:it@h:8554/cam")
    assert address.name == "h:8554"
    found = address.redirected(" rtsp://h:8554/other ")
    assert found == RtspAddress("rtsp://h:8554/other", False, "h", 8554, "me", "it")
    assert address.redirected("rtsps://h/other").port == 322


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/other?a=b", "rtsp://h:8554/other?a=b"),
        ("other", "rtsp://h:8554/live/other"),
        ("?sub=1", "rtsp://h:8554/live/cam?sub=1"),
        ("//h:8554/x", "rtsp://h:8554/x"),
    ],
)
def test_a_redirect_without_a_host_is_on_the_same_one(location: str, expected: str) -> None:
    address = RtspAddress.parse("rtsp://me:it@h:8554/live/cam")
    found = address.redirected(location)
    assert (found.url, found.user, found.password) == (expected, "me", "it")
    secure = RtspAddress.parse("rtsps://h:8554/live/cam").redirected(location)
    assert secure.url == expected.replace("rtsp:", "rtsps:")


@pytest.mark.parametrize(
    "location", ["rtsp://h:80/cam", "rtsp://other:8554/cam", "rtsp://me:it@10.0.0.1:22/", "//x/cam"]
)
def test_a_redirect_to_another_server_is_refused_by_name(location: str) -> None:
    address = RtspAddress.parse("rtsp://me:it@h:8554/cam")
    with pytest.raises(CameraFailed, match="refers to another server, rtsp://") as error:
        address.redirected(location)
    assert "it@" not in str(error.value)
    for wrong in ("", "http://h:8554/cam", "mailto:me"):
        with pytest.raises(CameraFailed, match="invalid address"):
            address.redirected(wrong)
    with pytest.raises(CameraFailed, match="refers to another server"):
        RtspAddress.parse("rtsps://h/cam").redirected("rtsp://h/cam")
