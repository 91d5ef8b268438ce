"""The configuration file says what the options say, and more for each camera."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from twistedcam.config.arguments import (
    CONTROL_ENDPOINT,
    FRAME_ENDPOINT,
    add_serve_arguments,
    serve_actions,
)
from twistedcam.config.options import ServeOptions, read_serve_options
from twistedcam.config.toml_file import file_key
from twistedcam.errors import BadArgument
from twistedcam.recording.containers import FORMATS
from twistedcam.recording.settings import RecordSettings

DOCUMENTATION = Path(__file__).parent.parent.parent / "docs/configuration.md"

WHOLE = """
listen = ["tcp:1", "unix:/run/frames"]
control = "tcp:2"
recordings = "/srv/recordings"
stopped = true
log-level = "warn"

[recording]
format = "copy"
keep = "10GB"

[camera.door]
source = "webcam:/dev/v4l/by-id/usb-Door?fps=5"
size = "1280x720"
fps = 15
rotate = 180

[camera.door.recording]
format = "h264"

[camera.test]
source = "file:clip.mp4"
loop = false
"""


def read(*words: str) -> ServeOptions:
    parser = argparse.ArgumentParser()
    add_serve_arguments(parser)
    return read_serve_options(parser.parse_args(words))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "twistedcam.toml"
    path.write_text(WHOLE)
    return path


def test_a_file_says_all_that_options_say(file: Path) -> None:
    options = read("--config", str(file))
    assert options.listen == ["tcp:1", "unix:/run/frames"]
    assert options.control == ["tcp:2"]
    assert options.recordings == Path("/srv/recordings")
    assert (options.stopped, options.log_level, options.log_json) == (True, "warn", False)


def test_a_camera_s_table_holds_the_settings_of_its_source(file: Path) -> None:
    cameras = read("--config", str(file)).cameras
    assert list(cameras) == ["door", "test"]
    assert cameras["door"].target == "/dev/v4l/by-id/usb-Door"
    assert cameras["door"].settings == {"size": "1280x720", "fps": "15", "rotate": "180"}
    assert cameras["test"].settings == {"loop": "0"}


def test_recording_settings_come_from_the_camera_and_else_from_all(file: Path) -> None:
    recording = read("--config", str(file)).recording
    assert recording["door"] == RecordSettings(format=FORMATS["h264"], keep=10**10)
    assert recording["test"] == RecordSettings(format=FORMATS["copy"], keep=10**10)
    recording = read(
        "--config", str(file), "--record-format", "mkv", "--record", "crf=30"
    ).recording
    assert recording["door"] == RecordSettings(format=FORMATS["mkv"], crf=30, keep=10**10)


def test_options_win_over_the_file(file: Path) -> None:
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
    assert options.again is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lissten = 'tcp:1'", "did you mean 'listen'"),
        ("camera = 'webcam:0'", "camera has to be a table"),
        ("config = 'x'", "no option 'config'"),
        ("stopped = 1", "stopped has to be true or false"),
        ("recordings = ['a']", "not a list"),
        ("recordings = {a = 1}", "recordings has to be a text"),
        ("listen = [1]", "listen has to be a text"),
        ("log-level = 'loud'", "it is one of debug, info"),
        ("[camera.a]", "[camera.a] needs a source"),
        ("[camera.a]\nsource = 'camera'", "[camera.a]: 'camera' is no source"),
        ("[camera.'a:b']\nsource = 'auto:'", "no name for a camera"),
        ("[camera.a]\nsource = 'auto:'\nsize = [1, 2]", "size has to be a text, a number"),
        ("[camera]\na = 'auto:'", "[camera.a] has to be a table"),
        ("[camera.a]\nsource = 'auto:'\nrecording = 1", "[camera.a] recording has to be a table"),
        ("[recording]\nquota = '1GB'", "recording has no setting 'quota'"),
        ("[camera.a]\nsource = 'auto:'\nrecording.keep = 'much'", "camera a: keep='much' is no"),
        ("a = ", "is no TOML"),
        ("workers = 'many'", "workers = 'many' will not do"),
        ("workers = true", "workers = True will not do"),
        ("[camera.a]\nsource = 'auto:'\npublish = ['ftp://x']", "[camera.a]"),
    ],
)
def test_a_mistake_is_named_with_the_file(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(BadArgument) as error:
        read("--config", str(path))
    assert str(path) in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--no-control", "--control", "tcp:1"], "--control and --no-control: one or the other"),
        (["--no-http", "--http", "tcp:1"], "--http and --no-http: one or the other"),
        (["--workers", "1000"], "one for each core at most"),
    ],
)
def test_options_that_cannot_be_are_refused(words: list[str], said: str) -> None:
    with pytest.raises(BadArgument, match=said):
        read(*words)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match=r"gone\.toml cannot be read: No such file"):
        read("--config", str(tmp_path / "gone.toml"))


def test_every_option_is_documented_and_nothing_else() -> None:
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", DOCUMENTATION.read_text(), re.MULTILINE))
    assert documented == {key for action in serve_actions() if (key := file_key(action))}
