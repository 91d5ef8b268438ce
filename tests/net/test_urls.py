"""Settings and addresses are split, and secrets are hidden."""

from __future__ import annotations

import pytest

from twistedcam.net.urls import (
    join_settings,
    split_settings,
    unknown_setting,
    without_key,
    without_secrets,
)


@pytest.mark.parametrize(
    ("rest", "address", "settings"),
    [
        ("//h/a", "//h/a", {}),
        ("//h/a?fps=5", "//h/a", {"fps": "5"}),
        ("//h/a?id=7&fps=5", "//h/a?id=7", {"fps": "5"}),
        ("//h/a?fps=5#size=640x480", "//h/a?fps=5", {"size": "640x480"}),
    ],
)
def test_settings_are_split_from_the_address(
    rest: str, address: str, settings: dict[str, str]
) -> None:
    assert split_settings(rest, {"fps"}) == (address, settings)


def test_settings_are_joined_so_that_they_split_again() -> None:
    settings = {"name": "a b", "ca": "/etc/x.pem"}
    assert split_settings(join_settings("//h/a?q=1", settings), {"fps"}) == ("//h/a?q=1", settings)
    assert join_settings("//h/a", {}) == "//h/a"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://me:SECRET@h/a", "rtsp://***@h/a"),
        ("rtsp://me:SEC#RET@h/a", "rtsp://***@h/a"),
        (
            "rtsp://h/user=me_password=SEC_RET_channel=1_stream=0.sdp?real_stream",
            "rtsp://h/user=***_password=***_channel=1_stream=0.sdp?real_stream",
        ),
        ("http://h/login=me&pwd=SECRET/1", "http://h/login=***&pwd=***/1"),
        ("http://h/monkey/bypass", "http://h/monkey/bypass"),
        ("rtsp://me:SEC/RET@h/a", "rtsp://***@h/a"),
        ("http://h/a?token=SECRET&size=1", "http://h/a?token=***&size=1"),
        ("rtmp://h/live/SECRET", "rtmp://h/live/***"),
        ("ffmpeg:rtsp://me:SECRET@h/a", "ffmpeg:rtsp://***@h/a"),
        ("file:films/a@b.mp4", "file:films/a@b.mp4"),
        ("http://[SECRET", "http:***"),
    ],
)
def test_secrets_are_hidden(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


def test_the_key_of_an_rtmp_path_is_hidden() -> None:
    assert without_key("/live/KEY") == "/live/***"
    assert without_key("/live") == "/live"


def test_an_unknown_setting_that_may_be_a_password_is_not_shown() -> None:
    assert "no setting 'colour'" in unknown_setting("colour", "webcam:", ["fps"])
    assert "S3cret!" not in unknown_setting("S3cret!", "webcam:", ["fps"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://u:p@h/x#ptz=onvif://a:b@h2", "rtsp://***@h/x#ptz=onvif://***@h2"),
        (
            "rtsp://u:p@h/x#transport=udp&ptz=onvif://a:b@h2/main",
            "rtsp://***@h/x#transport=udp&ptz=onvif://***@h2/main",
        ),
        ("rtsp://h/x#ptz=onvif://h2", "rtsp://h/x#ptz=onvif://h2"),
        ("rtsp://u:pa#ptz=x@h", "rtsp://***@h"),
        ("rtsp://u:pa#ptz=onvif://x@h", "rtsp://***@h"),
        ("rtsp://u#a=SECRET@h", "rtsp://***@h"),
    ],
)
def test_the_login_of_the_address_of_motors_is_hidden(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
