"""The command line overrides the configuration file."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from twistedcam.config.arguments import (
    add_serve_arguments,
    options_from,
    read_serve_options,
)
from twistedcam.config.options import CONTROL_ENDPOINT, FRAME_ENDPOINT, OPTIONS, ServeOptions
from twistedcam.errors import BadArgument
from twistedcam.recording.containers import FORMATS


def read(*words: str) -> ServeOptions:
    parser = argparse.ArgumentParser()
    add_serve_arguments(parser)
    return read_serve_options(parser.parse_args(words))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "twistedcam.toml"
    text = "listen = ['tcp:1']\ncontrol = 'tcp:2'\nrecordings = '/srv/recordings'\n"
    path.write_text(text + "[camera.door]\nsource = '0'\nfps = 5\nrecording.format = 'h264'\n")
    return path


def test_options_override_the_file(file: Path) -> None:
    given = ["--listen", "tcp:9", "--recordings", "recordings", "--camera", "door=pattern:?fps=1"]
    options = read("--config", str(file), *given)
    assert options.listen == ["tcp:9"]
    assert options.recordings == Path("recordings").absolute()
    assert {name: each.text for name, each in options.cameras.items()} == {"door": "pattern:?fps=1"}
    assert options.recording["door"].format == FORMATS["h264"]
    assert options.control == ["tcp:2"]


def test_a_port_that_is_off_in_the_file_can_be_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "off.toml"
    path.write_text("no-control = true\nlisten = []")
    assert read("--config", str(path)).control == []
    assert read("--config", str(path)).listen == []
    assert read("--config", str(path), "--control", "tcp:3").control == ["tcp:3"]
    path.write_text("control = 'tcp:3'")
    assert read("--config", str(path), "--no-control").control == []


def test_without_a_file_all_have_their_defaults() -> None:
    options = read()
    assert (options.listen, options.control) == ([FRAME_ENDPOINT], [CONTROL_ENDPOINT])
    assert list(options.cameras) == ["cam"]
    assert options.read_again is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--no-control", "--control", "tcp:1"], "--control and --no-control exclude each other"),
        (["--no-http", "--http", "tcp:1"], "--http and --no-http exclude each other"),
        (["--workers", "1000"], "--workers has to be a whole number from 0 to 64, not '1000'"),
        (["--workers", "many"], "--workers has to be a whole number"),
        (
            ["--log-level", "loud"],
            "has to be one of debug, info, warn, error, critical, not 'loud'",
        ),
        (["--max-snapshots", "0"], "--max-snapshots has to be a whole number from 1 to 1000000"),
        (["--http-name", "a b"], "--http-name a b: this is not a host name"),
        (["--http-cors-control", "*"], r"--http-cors-control \*: this is not an origin"),
        (["--trusted-proxy", "x"], "--trusted-proxy x: write an address"),
        (["--mqtt", "http://me:SECRET@h"], r"--mqtt: 'http://\*\*\*@h' is invalid"),
        (["--record-format", "gif"], "--record-format='gif' is unknown; use one of: auto, h264"),
    ],
)
def test_invalid_options_are_refused(words: list[str], said: str) -> None:
    with pytest.raises(BadArgument, match=said):
        read(*words)


def test_the_help_has_every_option_but_the_limits_with_its_default() -> None:
    parser = argparse.ArgumentParser("x")
    add_serve_arguments(parser)
    text = " ".join(parser.format_help().partition("options:")[2].split())
    for each in OPTIONS.values():
        is_shown = each.option.in_help
        assert (each.option.help.replace("`", "") in text) == is_shown
        assert (f" {each.flag}" in text) == is_shown
    assert "control port (tcp:9531:interface=127.0.0.1)" in text
    assert text.index("--camera") < text.index("--listen") < text.index("--log-level")


def test_words_give_options_without_keys_and_errors_instead_of_an_exit(file: Path) -> None:
    assert read().keys
    assert read("--no-keys").keys is False
    found = options_from(["--keys", "--config", str(file)])
    assert found.read_again is not None
    assert (found.keys, found.read_again().keys) == (False, False)
    with pytest.raises(BadArgument, match="unrecognized arguments: --colour"):
        options_from(["--colour"])
    with pytest.raises(BadArgument, match="unrecognized arguments: --reco"):
        options_from(["--reco", "x"])


def test_what_is_wrong_in_the_file_is_refused_even_if_a_word_takes_its_place(
    tmp_path: Path,
) -> None:
    file = tmp_path / "x.toml"
    file.write_text("mqtt = 'x'")
    with pytest.raises(BadArgument, match=r"x\.toml: mqtt: 'x' is invalid"):
        read("--config", str(file), "--mqtt", "mqtt://h")


def test_the_sound_of_a_camera_is_an_option() -> None:
    one = read("--camera", "webcam:0", "--audio", "alsa:plughw:CARD=C920,DEV=0")
    assert one.cameras["cam"].settings["audio"] == "alsa:plughw:CARD=C920,DEV=0"
    two = read("--camera", "a=webcam:0", "--camera", "b=rtsp://b/", "--audio", "b=off")
    assert two.cameras["b"].settings["audio"] == "off"
    assert "audio" not in two.cameras["a"].settings


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--audio", "off"], "--audio: the camera is missing: write CAMERA=SOURCE"),
        (["--audio", "c=off"], "--audio: there is no camera 'c'"),
        (["--audio", "a=loud"], "audio='loud' is not valid: write auto, off, alsa:default"),
        (["--audio", "p=auto"], "audio='auto' is for webcams and for cameras that send sound"),
    ],
)
def test_a_sound_that_cannot_be_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(BadArgument, match=said):
        read("--camera", "a=webcam:0", "--camera", "p=pattern:", *words)


def test_the_file_of_the_folder_is_read_unless_a_camera_or_another_file_is_named(
    file: Path, tmp_path: Path
) -> None:
    def in_folder(*words: str) -> ServeOptions:
        parser = argparse.ArgumentParser()
        add_serve_arguments(parser)
        return read_serve_options(parser.parse_args(words), folder_file=file)

    found = in_folder()
    assert ([*found.cameras], found.file, found.is_of_folder, found.is_new) == (
        *(["door"], file, True),
        False,
    )
    assert in_folder("--camera", "yard=pattern:").listen == [FRAME_ENDPOINT]
    other = tmp_path / "other.toml"
    other.write_text("")
    named = in_folder("--config", str(other))
    assert (named.file, named.is_of_folder, named.is_new) == (other, False, True)
    file.chmod(0o666)
    with pytest.raises(BadArgument, match="another user can change"):
        in_folder()
    file.unlink()
    assert in_folder().is_new
