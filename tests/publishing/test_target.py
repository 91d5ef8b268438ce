"""Targets are parsed, or refused with a hint that shows no key."""

from __future__ import annotations

from pathlib import Path

import pytest

from twistedcam.codecs.h264_encoder import H264Settings
from twistedcam.config.arguments import options_from
from twistedcam.config.options import ServeOptions
from twistedcam.errors import BadArgument
from twistedcam.publishing.target import parse_publish, parse_target


@pytest.mark.parametrize(
    ("text", "muxer", "shown"),
    [
        ("rtmp://a.example/live/KEY-1", "flv", "rtmp://a.example/live/***"),
        ("rtmps://u:pw@a.example:443/app/x/KEY", "flv", "rtmps://***@a.example:443/app/***"),
        ("rtsp://u:pw@[::1]:8554/door", "rtsp", "rtsp://***@[::1]:8554/door"),
        ("rtsp://h/door?sig=KEY", "rtsp", "rtsp://h/door?***"),
        ("hls:/srv/www/cam", "hls", "hls:/srv/www/cam/live.m3u8"),
        ("hls:/srv/www/door.m3u8", "hls", "hls:/srv/www/door.m3u8"),
        ("hls:https://h/up?cid=KEY&file=x.m3u8", "hls", "hls:https://h/up?***"),
        ("whip:https://h/whip/KEY#token=T0K", "whip", "whip:https://h/whip/***"),
    ],
)
def test_a_target_is_shown_without_keys(text: str, muxer: str, shown: str) -> None:
    target = parse_target(text)
    assert (target.muxer, target.shown) == (muxer, shown)
    for secret in ("KEY", "pw", "T0K"):
        assert secret not in repr(target)
        told = target.without_secrets(f"cannot open {target.url} with {target.token}")
        assert target.is_folder or secret not in told


def test_a_reason_that_has_part_of_the_address_loses_the_key() -> None:
    target = parse_target("rtmp://h/live/KEY-12?token=T0K3N")
    assert target.without_secrets("stream KEY-12 refused, T0K3N") == "stream *** refused, ***"


def test_settings_behind_the_hash_are_ours() -> None:
    target = parse_target("rtmp://h/a/k?x=1#name=show&bitrate=4M&encoder=auto&crf=30&preset=fast")
    assert target.url == "rtmp://h/a/k?x=1"
    assert target.name == "show"
    assert target.encoding == H264Settings("auto", 30, "fast", 4_000_000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ftp://h/x", "cannot be published to 'ftp'"),
        ("rtmp:///app/k", "needs a host"),
        ("rtmp://h:port/app/k", "port is a number"),
        ("rtmp://h:99999/app/k", "port is a number"),
        ("hls:", "needs a folder"),
        ("hls:ftp://h/x", "needs a folder"),
        ("whip:rtmp://h/x", "needs a web address"),
        ("rtmp://h/a/k#fps=5", "no setting 'fps'"),
        ("rtmp://h/a/k#encoder=h265", "encoder='h265' is unknown"),
        ("rtmp://h/a/k#crf=99", "crf has to be a number from 0 to 51, not '99'"),
        ("rtmp://h/a/k#bitrate=fast", "bitrate='fast' is not a rate: write it as 4M"),
        ("rtmp://h/a/k#name=a b", "name='a b' is not valid"),
        ("rtmps://h/live/k#ca=/none", "no such file"),
        ("rtmps://h/live/k#verify=no", "or 0"),
    ],
)
def test_what_is_no_target_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadArgument) as error:
        parse_target(text)
    assert said in str(error.value)


def test_a_key_with_a_hash_is_not_shown() -> None:
    for text in ("rtmp://u:SEC#RET@h/app/KEY", "rtmp://h/app/KEY#RET"):
        with pytest.raises(BadArgument, match="write %23") as error:
            parse_target(text)
        assert not any(each in str(error.value) for each in ("SEC", "RET", "KEY"))


def test_a_target_may_name_its_camera() -> None:
    assert parse_publish("door=hls:/x")[0] == "door"
    assert parse_publish("rtmp://h/a/k?x=1")[0] is None


def read(*words: str) -> ServeOptions:
    return options_from(words)


def test_targets_come_from_options_or_from_a_camera_s_table(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text(
        "[camera.a]\nsource = 'pattern:'\npublish = ['hls:/one', 'rtmp://h/a/k']\n"
        "[camera.b]\nsource = 'pattern:'\npublish = 'hls:/two'\n"
    )
    found = read("--config", str(file), "--publish", "b=rtsp://h/x").publish
    assert {name: [each.scheme for each in found[name]] for name in found} == {
        "a": ["hls", "rtmp"],
        "b": ["rtsp"],
    }
    with pytest.raises(BadArgument, match="--publish: the camera is missing: write CAMERA=URL"):
        read("--config", str(file), "--publish", "rtsp://h/x")
    with pytest.raises(BadArgument, match=r"two cameras publish to hls:/one/live\.m3u8"):
        read("--config", str(file), "--publish", "b=hls:/one/#name=again")
    file.write_text("[camera.a]\nsource = 'pattern:'\npublish = 3\n")
    with pytest.raises(BadArgument, match=r"x\.toml: \[camera\.a\]: publish has to be a string"):
        read("--config", str(file))
