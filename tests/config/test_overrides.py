"""The options of the command line that override those of the file, as forms show them."""

from __future__ import annotations

from typing import Any

from twistedcam.config.arguments import options_from
from twistedcam.config.overrides import (
    given_audio,
    given_cameras,
    is_publish_given,
    overriding_option,
    overriding_words,
)


def given(*words: str) -> dict[str, Any]:
    return options_from([*words]).command_line


def test_an_option_is_shown_as_it_was_given_without_secrets() -> None:
    found = given("--http", "8080", "--http", "8081", "--mqtt", "mqtt://me:secret@192.0.2.1")
    assert overriding_option("http", "--http", found) == "--http 8080 --http 8081"
    assert overriding_option("mqtt", "--mqtt", found) == "--mqtt mqtt://***@192.0.2.1"
    assert overriding_option("keys", "--keys", found) == "--no-keys"
    assert overriding_option("log_level", "--log-level", found) is None


def test_a_port_overrides_the_option_that_switches_it_off() -> None:
    assert overriding_option("no_http", "--no-http", given("--http", "8080")) == "--http"
    assert overriding_option("http", "--http", given("--no-http")) == "--no-http"


def test_settings_of_tables_are_found_by_their_keys_and_cameras() -> None:
    words = ("--record", "keep_free=1GB", "--record-format", "copy", "--video", "door:bitrate=2M")
    found = given("--camera", "door=pattern:", *words, "--video", "preset=fast")
    assert overriding_words("recording", found, None) == {
        "keep_free": "--record keep_free=1GB",
        "format": "--record-format copy",
    }
    assert overriding_words("video", found, None) == {"preset": "--video preset=fast"}
    assert overriding_words("video", found, "door").keys() == {"bitrate", "preset"}
    assert overriding_words("video", found, "yard").keys() == {"preset"}


def test_cameras_have_the_names_that_the_server_gives_them() -> None:
    cameras = ("--camera", "pattern:", "--camera", "door=rtsp://192.0.2.1/x?a=b")
    more = ("--audio", "door=auto", "--publish", "door=rtmp://192.0.2.1/live/key")
    found = given(*cameras, *more)
    assert [*given_cameras(found)] == ["cam", "door"]
    assert given_audio("door", found) == "--audio door=auto"
    assert given_audio("cam", found) is None
    assert is_publish_given("door", found)
    assert not is_publish_given("cam", found)
